"""`shim run`: a package under AWS's Runtime Interface Emulator, with events to answer."""

from __future__ import annotations

import argparse
import json
import re
import sys
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.cli.emulator import find_emulator, progress, sigterm_as_exit
from shim.emulate import standin
from shim.emulate.session import Session
from shim.emulate.start import DECIDED_HERE, DEFAULT_TIMEOUT, Start
from shim.errors import ExitCode, InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.emulate.session import Answer

DESCRIPTION = """\
Start a package under AWS's Runtime Interface Emulator, at /var/task as on Lambda, and invoke it:
answers go to standard output, the function's log to standard error. Without --event, an HTTP
endpoint on this machine takes events until Ctrl-C."""

EPILOG = """\
examples:
  echo '{"id": 7}' | shim run function.zip --handler bin/orders --event -
  shim run function.zip --handler bin/orders --arch arm64 --event event.json --repeat 100
  shim run function.zip --handler bin/orders --layer extension.zip --env TABLE=orders

The emulator (8 MB) is fetched once, with pip, and kept in $SHIM_CACHE, or else in a folder `shim`
in $XDG_CACHE_HOME or ~/.cache. docs/run.md tells what is different from Lambda.

exit status: 0 the function answered, 1 it didn't start or answered with an error, 2 bad usage or
input, 3 this machine could not do it, 130 interrupted"""

_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+=.*", re.DOTALL)
_HANDLER = re.compile(r"[^\s]{1,128}")
_MOST = 1_000_000
_SLOW_BYTES = 20_000_000
"""Zips of more bytes than this take about a second to unpack."""
_POLL_SECONDS = 0.2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `shim run`."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    add = parser.add_argument
    add("package", type=Path, metavar="PACKAGE", help="a function's zip, or a folder of its files")
    add("--handler", required=True, metavar="NAME", help="the function's Handler: bin/orders, say")
    add(
        "--arch",
        type=Arch,
        choices=list(Arch),
        help="the architecture to run on (default: the one of the package's `bootstrap`, or else "
        "this machine's); another than this machine's needs qemu-user",
    )
    add(
        "--layer",
        type=Path,
        action="append",
        default=[],
        metavar="ZIP",
        help="a layer for /opt; of several, later ones lie over earlier ones",
    )
    add(
        "--event", metavar="FILE|-", help="the JSON event to send; `-` reads it from standard input"
    )
    add("--repeat", type=_count, metavar="N", help="send the event N times to one start")
    add(
        "--env",
        type=_variable,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable for the function, which gets none of yours otherwise",
    )
    add(
        "--timeout",
        type=_count,
        default=DEFAULT_TIMEOUT,
        metavar="S",
        help=f"the function's timeout in seconds (default: {DEFAULT_TIMEOUT})",
    )
    add("--port", type=_port, default=0, metavar="P", help="where to listen (default: a free port)")
    add("--rie", type=Path, metavar="FILE", help="another Runtime Interface Emulator to use")
    add("--verbose", action="store_true", help="show the emulator's own log too")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Start the function and send it the event, or listen for events."""
    event = _read_event(arguments.event)
    if event is None and arguments.repeat:
        raise InputError("--repeat needs an --event to repeat")
    start = _start(arguments)
    session = Session(
        start,
        program=find_emulator(arguments.rie),
        log=_write_log,
        emulator_log=_write_log if arguments.verbose else _ignore,
        port=arguments.port,
    )
    with sigterm_as_exit(), ExitStack() as stack:
        size = sum(path.stat().st_size for path in (start.package, *start.layers))
        with progress("unpacking") if size > _SLOW_BYTES else nullcontext():
            stack.enter_context(session)
        for note in session.notes:
            print(f"note: {note}", file=sys.stderr)
        if event is None:
            return _serve(session, as_json=arguments.json)
        answers = _invoke(session, event, arguments.repeat or 1, as_json=arguments.json)
        if arguments.json:
            print(json.dumps(_summary(session, start.arch, answers)))
    return ExitCode.NO if any(answer.error_type for answer in answers) else ExitCode.OK


def _start(arguments: argparse.Namespace) -> Start:
    for path in (arguments.package, *arguments.layer):
        if not path.exists():
            raise InputError(f"there is no such file: {path}")
    if not _HANDLER.fullmatch(arguments.handler):
        raise InputError(
            f"Lambda takes no such Handler: `{arguments.handler}`",
            hint="it has 1 to 128 characters, none of them white space",
        )
    return Start(
        package=arguments.package.absolute(),
        handler=arguments.handler,
        arch=arguments.arch or standin.default_arch(arguments.package, arguments.layer),
        layers=tuple(path.absolute() for path in arguments.layer),
        environment=dict(arguments.env),
        timeout=arguments.timeout,
    )


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


def _serve(session: Session, *, as_json: bool) -> ExitCode:
    """Let the emulator take events from anybody on this machine, until Ctrl-C."""
    if as_json:
        print(json.dumps({"url": session.url, "notes": session.notes}), flush=True)
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


def _summary(session: Session, arch: Arch, answers: Sequence[Answer]) -> dict[str, object]:
    """What --json prints: for each invocation an answer, or null, and an error, or null."""
    return {
        "arch": arch,
        "notes": session.notes,
        "answers": [None if answer.error_type else _value(answer.payload) for answer in answers],
        "errors": [_value(answer.payload) if answer.error_type else None for answer in answers],
        "init_ms": [answer.init_milliseconds for answer in answers],
        "ms": [round(answer.seconds * 1000, 3) for answer in answers],
    }


def _value(payload: bytes) -> object:
    """The JSON value `payload`; what isn't JSON, as a string."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")


def _print_failure(kind: str, message: str) -> None:
    print(f"error: the function failed: {kind}{': ' if message else ''}{message}", file=sys.stderr)


def _read_event(name: str | None) -> bytes | None:
    if name is None:
        return None
    try:
        event = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        json.loads(event)
    except OSError as error:
        raise InputError(f"the event can't be read ({error.strerror}): {name}") from error
    except ValueError as error:
        raise InputError(
            f"the event is no JSON, which Lambda requires ({error}): {name}"
        ) from error
    return event


def _write_log(line: bytes) -> None:
    with suppress(OSError, ValueError):  # nobody reads it any more: the function goes on
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()


def _ignore(_: bytes) -> None:
    pass


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"not a whole number from 1 to {_MOST:,}: {text}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"not a port: {text}")
    return int(text)


def _variable(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if name in DECIDED_HERE:
        raise argparse.ArgumentTypeError(f"the variable is set by shim itself: {name}")
    if not _VARIABLE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"not NAME=VALUE, as Lambda takes it: {text}")
    return name, value
