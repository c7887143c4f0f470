"""How `shim run` serves functions: on an endpoint, and anew when their files change."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from shim.cli.terminal import print_error, print_note, status
from shim.document import document, encode
from shim.emulate.endpoint import Endpoint
from shim.errors import ExitCode, InputError, MachineError, ShimError
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shim.cli.local import Local, LocalFunctions
    from shim.cli.watching import Watch
    from shim.emulate.endpoint import Invoke
    from shim.emulate.served import Served
    from shim.emulate.session import Answer

RUN_FORMAT = 1
_SLOW_BYTES = 20_000_000
"""Zips of more bytes than this take about a second to unpack."""

_POLL_SECONDS = 0.2
"""Between two looks at the emulators, and at the files."""


class Serving:
    """The functions of a command line, started in `served`; they follow their files by `watch`."""

    def __init__(self, local: LocalFunctions, served: Served, *, watch: Watch | None) -> None:
        self._local, self._served, self._watch = local, served, watch
        self.functions: Mapping[str, Local] = {}
        self.notes: Sequence[str] = ()
        """What isn't as on Lambda here."""

    def start(self) -> None:
        """Start them as they are now; where that fails, those before go on."""
        functions = self._local.read()
        starts = {name: one.start for name, one in functions.items()}
        size = sum(
            path.stat().st_size for one in starts.values() for path in (one.package, *one.layers)
        )
        with status("unpacking") if size > _SLOW_BYTES else nullcontext():
            notes = (*self._local.notes, *self._served.start(starts))
        for note in notes:
            if note not in self.notes:
                print_note(note)
        self.functions, self.notes = functions, notes

    def invoke(self, name: str, event: bytes) -> Answer:
        """Send a function that is there an event; the user is told of errors."""
        answer = self._served.invoke(name, event)
        if answer.error_type:
            said = printable(f"{answer.error_type}: {answer.error_message}".removesuffix(": "))
            print(f"error: the function failed: {said}", file=sys.stderr)
        return answer

    def find(self, called: str) -> Invoke | None:
        """What invokes a function; where it is the only one, `function` is its name too."""
        names = [*self.functions]
        name = names[0] if called == "function" and len(names) == 1 else called
        return partial(self.invoke, name) if name in names else None

    def await_change(self) -> None:
        """Wait until files have changed, and all is started anew: for ever, where nothing does."""
        while not self._served.wait(_POLL_SECONDS):
            if self._watch and self._watch.has_changed() and self._start_anew():
                return
        raise MachineError("the emulator ended by itself", hint="see its log with --verbose")

    def _start_anew(self) -> bool:
        try:
            self.start()
        except (ShimError, OSError) as error:  # a file half-written, or one that has just gone
            print_error(error if isinstance(error, ShimError) else InputError(str(error)))
            print("what was there before goes on until the next change", file=sys.stderr)
            return False
        return True


def serve(serving: Serving, *, port: int, as_json: bool) -> ExitCode:
    """Take events from anybody on this machine, until Ctrl-C."""
    with Endpoint(serving.find, port=port) as endpoint:
        _announce(serving, endpoint, as_json=as_json)
        with suppress(KeyboardInterrupt):
            while True:
                serving.await_change()
                print(f"started anew: {', '.join(serving.functions)}", file=sys.stderr)
    return ExitCode.OK


def _announce(serving: Serving, endpoint: Endpoint, *, as_json: bool) -> None:
    urls = {name: endpoint.url_of(name) for name in serving.functions}
    if as_json:
        functions = [
            {
                "name": name,
                "handler": one.start.handler,
                "architecture": one.start.arch,
                "url": urls[name],
            }
            for name, one in serving.functions.items()
        ]
        content = {"endpoint": endpoint.url, "functions": functions, "notes": serving.notes}
        print(encode(document(RUN_FORMAT, content), indent=None), flush=True)
    first, *_ = urls
    lines = [
        "events can be sent, one at a time to each function, until Ctrl-C:",
        *(f"  {name}: {printable(one.start.handler)}" for name, one in serving.functions.items()),
        f"try: aws lambda invoke --endpoint-url {endpoint.url} --function-name {first} out.json",
        f"try: curl --data '{{}}' {urls[first]}",
    ]
    print(*lines, sep="\n", file=sys.stderr)
