"""From a command line to a start under the emulator, and to the event that it is sent."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from shim.emulate.start import DECIDED_HERE, Start
from shim.errors import InputError
from shim.fields import check_json, naming
from shim.package.limits import read_limits
from shim.package.names import api_problem

if TYPE_CHECKING:
    import argparse

    from shim.aws.api import Function


def read_configuration(path: Path | None) -> Function | None:
    """The function that `--from` names."""
    if path is None:
        return None
    # What few runs need, and much of the imports.
    from shim.aws.function import read_function

    return read_function(path).function


def read_start(arguments: argparse.Namespace, function: Function | None) -> Start:
    """What is to be started; raises `InputError` for what Lambda wouldn't take."""
    for path in (arguments.package, *arguments.layers):
        if not path.exists():
            raise InputError(f"there is no such file: {path}")
    if arguments.handler is None and function is None:
        raise InputError("which handler? give one of `--handler NAME` and `--from FILE`")
    handler = arguments.handler
    if handler is None and function is not None:
        handler = function.handler
    # Only Linux has all that this imports.
    from shim.emulate import standin

    if problem := api_problem(handler):
        raise InputError(f"Lambda takes no such Handler, {problem}: `{handler}`")
    arch = arguments.arch or (function.arch if function else None)
    return Start(
        package=arguments.package.absolute(),
        handler=handler,
        arch=arch or standin.default_arch(arguments.package, arguments.layers),
        layers=tuple(path.absolute() for path in arguments.layers),
        environment=_environment(arguments, function),
        timeout=arguments.timeout,
        runs_handler=function is not None and _runs_handler(function),
    )


def read_event(name: str | None) -> bytes | None:
    """The event's bytes; None where no event is named."""
    if name is None:
        return None
    limit = read_limits().event
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            event = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"can't read the event, {error.strerror}: {name}") from error
    if len(event) > limit:
        raise InputError(
            "Lambda refuses such an event, RequestEntityTooLargeException: the payload is too large"
            f" for the RequestResponse invocation type (limit {limit} bytes): {name}"
        )
    with naming(f"the event {name}", hint="Lambda takes nothing but JSON, in UTF-8"):
        check_json(event)
    return event


def _runs_handler(function: Function) -> bool:
    from shim.check.runtimes import known_runtime

    return known_runtime(function.runtime).runs_handler


def _environment(arguments: argparse.Namespace, function: Function | None) -> dict[str, str]:
    environment = dict(function.environment if function else ()) | dict(arguments.env)
    for name in DECIDED_HERE & environment.keys():
        raise InputError(f"this variable is set by shim itself: {name}")
    return environment
