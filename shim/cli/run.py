"""`shim run`: a package under AWS's Runtime Interface Emulator, with events to answer."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.emulator import sigterm_as_exit
from shim.cli.local import LocalFunctions
from shim.cli.place import Places, add_place
from shim.cli.request import read_event
from shim.cli.serving import RUN_FORMAT, Serving, serve
from shim.cli.watching import Watch
from shim.document import document, encode
from shim.emulate.served import Served
from shim.emulate.session import Session
from shim.emulate.start import DEFAULT_TIMEOUT
from shim.errors import ExitCode, InputError
from shim.fields import read_json

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from shim.arch import Arch
    from shim.cli.local import Local
    from shim.emulate.session import Answer
    from shim.emulate.start import Start

DESCRIPTION = """\
Start a package under AWS's Runtime Interface Emulator, at /var/task as on Lambda, and invoke it:
answers go to standard output, the function's log to standard error.

Without --event, an endpoint on this machine answers until Ctrl-C as Lambda's Invoke does, also to
AWS's own tools (`--endpoint-url`). There, each handler of each PACKAGE is a function of its own:
bin/orders has the name orders, unless NAME= says another."""

EPILOG = """\
examples:
  shim run function.zip --event '{"id": 7}'
  echo '{"id": 7}' | shim run function.zip --handler bin/orders --event -
  shim run function.zip --handler bin/orders --arch arm64 --event event.json --repeat 100
  shim run function.zip --handler bin/orders --layer extension.zip --env TABLE=orders
  shim run function.zip --from orders.json --event event.json
  shim run build/ --watch                                     packs it, anew after each build
  shim run orders.zip billing=invoices.zip --port 9000
  aws lambda invoke --endpoint-url http://127.0.0.1:9000 --function-name billing out.json

The emulator (8 MB) is fetched once, with pip, and kept in $SHIM_CACHE, or else in a folder `shim`
in $XDG_CACHE_HOME or ~/.cache. docs/reference/run.md tells what is different from Lambda.

exit status: 0 the function answered, 1 it didn't start or answered with an error, 2 bad usage or
input, 3 this machine could not do it, 130 interrupted"""

_MOST = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim run`."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    add = parser.add_argument
    count = options.whole_number(1, _MOST)
    add(
        "packages",
        nargs="+",
        metavar="[NAME=]PACKAGE",
        help="zip or folder; or a program, or a folder of programs, which is packed first",
    )
    options.add_handler(parser, note=" (default: the only one; without an event, each one)")
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
    add("--watch", action="store_true", help="when files change, pack and start anew until Ctrl-C")
    add_place(parser)
    add(
        "--image",
        type=options.text,
        metavar="IMAGE",
        help="the container's image (default: AWS's, of --from's runtime or else the newest)",
    )
    options.add_emulator(parser)
    add("--verbose", action="store_true", help="show the emulator's own log too")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Start the functions and send one the event, or listen for events."""
    event = read_event(arguments.event)
    if event is None and arguments.repeat:
        raise InputError("--repeat needs an --event to repeat")
    if event is not None and arguments.port and "port" not in arguments.configured:
        raise InputError("--port is the endpoint's, and with --event there is none")
    with sigterm_as_exit(), ExitStack() as stack:
        functions = LocalFunctions(arguments, stack)
        runtime = functions.runtime
        images = {runtime.name: arguments.image} if arguments.image else {}
        place = Places(arguments, stack, images=images, is_shared=False)(runtime)

        def open_session(start: Start) -> Session:
            return Session(
                start,
                place=place,
                log=_write_log,
                emulator_log=_write_log if arguments.verbose else _ignore,
            )

        watch = Watch(functions.paths) if arguments.watch else None
        serving = Serving(functions, stack.enter_context(Served(open_session)), watch=watch)
        serving.start()
        if event is None:
            return serve(serving, port=arguments.port, as_json=arguments.json)
        status = _send(serving, event, arguments)
        # Whatever Ctrl-C comes upon then, it is how a watch ends.
        with suppress(KeyboardInterrupt):
            while watch:
                serving.await_change()
                status = _send(serving, event, arguments)
    return status


def _send(serving: Serving, event: bytes, arguments: argparse.Namespace) -> ExitCode:
    """Send the only function the event, and print what comes back."""
    ((name, local),) = serving.functions.items()
    answers = []
    for _ in range(arguments.repeat or 1):
        answer = serving.invoke(name, event)
        answers.append(answer)
        if not arguments.json:
            sys.stdout.buffer.write(answer.payload.removesuffix(b"\n") + b"\n")
            sys.stdout.buffer.flush()
    if any(map(_is_failed_start, answers)):
        print(f"hint: this may say why: {_check_command(arguments, local)}", file=sys.stderr)
    if arguments.json:
        print(encode(_summary(local.start.arch, serving.notes, answers)), flush=True)
    return ExitCode.NO if any(answer.error_type for answer in answers) else ExitCode.OK


def _is_failed_start(answer: Answer) -> bool:
    """Whether it was Lambda, not the function, that gave the answer, as it does for each start."""
    return (answer.error_type or "").startswith(("Runtime.", "Extension."))


def _check_command(arguments: argparse.Namespace, local: Local) -> str:
    """The `shim check` of the same start; `--env` is left out, which may hold secrets."""
    package, start = local.given, local.start
    words = [package, *(word for path in arguments.layers for word in ("--layer", path))]
    if arguments.from_file:
        words += ["--from", arguments.from_file]
    words += ["--handler", start.handler, "--arch", start.arch]
    return shlex.join(["shim", "check", *map(str, words)])


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


def _write_log(line: bytes) -> None:
    with suppress(OSError, ValueError):  # nobody reads it any more: the function goes on
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()


def _ignore(_: bytes) -> None:
    pass
