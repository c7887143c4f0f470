"""`shim run`: a package under AWS's Runtime Interface Emulator, with events to answer."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack, nullcontext, suppress
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.emulator import check_system, find_emulator, sigterm_as_exit
from shim.cli.request import read_configuration, read_event, read_start
from shim.cli.terminal import print_note, status
from shim.document import document, encode
from shim.emulate.start import DEFAULT_TIMEOUT, Start
from shim.errors import ExitCode, InputError, MachineError
from shim.fields import read_json
from shim.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from shim.arch import Arch
    from shim.aws.api import Function
    from shim.emulate.session import Answer, Session

DESCRIPTION = """\
Start a package under AWS's Runtime Interface Emulator, at /var/task as on Lambda, and invoke it:
answers go to standard output, the function's log to standard error. Without --event, an HTTP
endpoint on this machine takes events until Ctrl-C."""

EPILOG = """\
examples:
  shim run function.zip --event '{"id": 7}'
  echo '{"id": 7}' | shim run function.zip --handler bin/orders --event -
  shim run function.zip --handler bin/orders --arch arm64 --event event.json --repeat 100
  shim run function.zip --handler bin/orders --layer extension.zip --env TABLE=orders
  shim run function.zip --from orders.json --event event.json

The emulator (8 MB) is fetched once, with pip, and kept in $SHIM_CACHE, or else in a folder `shim`
in $XDG_CACHE_HOME or ~/.cache. docs/reference/run.md tells what is different from Lambda.

exit status: 0 the function answered, 1 it didn't start or answered with an error, 2 bad usage or
input, 3 this machine could not do it, 130 interrupted"""

RUN_FORMAT = 1
_MOST = 1_000_000
_SLOW_BYTES = 20_000_000
"""Zips of more bytes than this take about a second to unpack."""
_POLL_SECONDS = 0.2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim run`."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    add = parser.add_argument
    count = options.whole_number(1, _MOST)
    add("package", type=options.file_path, metavar="PACKAGE", help="zip or folder")
    options.add_handler(parser, note=" (default: the only one in the package)")
    options.add_arch(
        parser,
        note=" (default: that of the package's `bootstrap`, or else of this machine); another than"
        " this machine's needs qemu-user",
    )
    options.add_layers(parser)
    options.add_env(parser)
    options.add_from(parser)
    options.add_event(parser)
    add("--repeat", type=count, metavar="N", help="send the event N times to one start")
    add(
        "--timeout",
        type=count,
        default=DEFAULT_TIMEOUT,
        metavar="S",
        help=f"the function's timeout in seconds (default: {DEFAULT_TIMEOUT})",
    )
    add(
        "--port",
        type=options.whole_number(1, 65535),
        default=0,
        metavar="P",
        help="where to listen (default: a free port)",
    )
    options.add_emulator(parser)
    add("--verbose", action="store_true", help="show the emulator's own log too")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Start the function and send it the event, or listen for events."""
    check_system("`shim run`")
    # Only Linux has all that this imports.
    from shim.emulate.session import Session

    event = read_event(arguments.event)
    if event is None and arguments.repeat:
        raise InputError("--repeat needs an --event to repeat")
    function = read_configuration(arguments.from_file)
    start = read_start(arguments, function)
    session = Session(
        start,
        program=find_emulator(arguments.rie),
        log=_write_log,
        emulator_log=_write_log if arguments.verbose else _ignore,
        port=arguments.port,
    )
    with sigterm_as_exit(), ExitStack() as stack:
        size = sum(path.stat().st_size for path in (start.package, *start.layers))
        with status("unpacking") if size > _SLOW_BYTES else nullcontext():
            stack.enter_context(session)
        notes = (*_other_layers(start, function), *session.notes)
        for note in notes:
            print_note(note)
        if event is None:
            return _serve(session, notes, as_json=arguments.json)
        answers = _invoke(session, event, arguments.repeat or 1, as_json=arguments.json)
        if any(map(_is_failed_start, answers)):
            print(f"hint: this may say why: {_check_command(arguments, start)}", file=sys.stderr)
        if arguments.json:
            print(encode(_summary(start.arch, notes, answers)))
    return ExitCode.NO if any(answer.error_type for answer in answers) else ExitCode.OK


def _other_layers(start: Start, function: Function | None) -> Sequence[str]:
    if function is None or len(function.layers) == len(start.layers):
        return []
    there = ", ".join(function.layers) or "none"
    return [f"the function's layers are others than the {len(start.layers)} given here: {there}"]


def _invoke(session: Session, event: bytes, times: int, *, as_json: bool) -> list[Answer]:
    answers = []
    for _ in range(times):
        answer = session.invoke(event)
        answers.append(answer)
        if not as_json:
            sys.stdout.buffer.write(answer.payload.removesuffix(b"\n") + b"\n")
            sys.stdout.buffer.flush()
        if answer.error_type:
            _print_failure(answer.error_type, answer.error_message)
    return answers


def _is_failed_start(answer: Answer) -> bool:
    """Whether it was Lambda, not the function, that gave the answer, as it does for each start."""
    return (answer.error_type or "").startswith(("Runtime.", "Extension."))


def _check_command(arguments: argparse.Namespace, start: Start) -> str:
    """The `shim check` of the same start; `--env` is left out, which may hold secrets."""
    words = [arguments.package, *(word for path in arguments.layers for word in ("--layer", path))]
    if arguments.from_file:
        words += ["--from", arguments.from_file]
    words += ["--handler", start.handler, "--arch", start.arch]
    return shlex.join(["shim", "check", *map(str, words)])


def _serve(session: Session, notes: Sequence[str], *, as_json: bool) -> ExitCode:
    """Let the emulator take events from anybody on this machine, until Ctrl-C."""
    if as_json:
        print(
            encode(document(RUN_FORMAT, {"url": session.url, "notes": notes}), indent=None),
            flush=True,
        )
    print(f"events can be posted to {session.url}, one at a time, until Ctrl-C", file=sys.stderr)
    print(f"try: curl --data '{{}}' {session.url}", file=sys.stderr)
    try:
        while not session.wait(_POLL_SECONDS):
            record = session.take_record()
            if record.error_type:
                _print_failure(record.error_type, record.cause or "")
    except KeyboardInterrupt:
        return ExitCode.OK
    raise MachineError("the emulator ended by itself", hint="see its log with --verbose")


def _summary(arch: Arch, notes: Sequence[str], answers: Sequence[Answer]) -> dict[str, object]:
    """What --json prints: for each invocation an answer, or null, and an error, or null."""
    content = {
        "architecture": arch,
        "notes": notes,
        "answers": [None if answer.error_type else _value(answer.payload) for answer in answers],
        "errors": [_value(answer.payload) if answer.error_type else None for answer in answers],
        "initMilliseconds": [answer.init_milliseconds for answer in answers],
        "milliseconds": [round(answer.seconds * 1000, 3) for answer in answers],
    }
    return document(RUN_FORMAT, content)


def _value(payload: bytes) -> object:
    """The JSON value `payload`; what isn't JSON, as a string."""
    try:
        return read_json(payload).value
    except InputError:
        return payload.decode(errors="replace")


def _print_failure(kind: str, message: str) -> None:
    said = printable(f"{kind}: {message}".removesuffix(": "))
    print(f"error: the function failed: {said}", file=sys.stderr)


def _write_log(line: bytes) -> None:
    with suppress(OSError, ValueError):  # nobody reads it any more: the function goes on
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()


def _ignore(_: bytes) -> None:
    pass
