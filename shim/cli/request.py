"""From a command line to a start under the emulator, and to the event that it is sent."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from shim.emulate.start import DECIDED_HERE, Start
from shim.errors import InputError
from shim.fields import check_json, naming
from shim.package.executables import handlers_of
from shim.package.limits import read_limits
from shim.package.names import BOOTSTRAP, api_problem
from shim.package.read import read_package

if TYPE_CHECKING:
    import argparse

    from shim.aws.api import Function

_JSON_BEGINS = ("{", "[", '"')
_SHOWN = 5


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
    handler = arguments.handler
    if handler is None:
        handler = function.handler if function else _only_handler(arguments)
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


def read_event(name: str | None, *, what: str = "event") -> bytes | None:
    """The event's bytes, from the file that is named, or `name` itself; None where it is None.

    `what` is read so besides: it stands in what is said of it.
    """
    if name is None:
        return None
    limit = read_limits().event
    if name.lstrip()[:1] in _JSON_BEGINS and not os.path.lexists(name):
        event, name = name.encode(errors="surrogateescape"), "given"
    else:
        event = _read_event_file(name, limit, what)
    if len(event) > limit:
        raise InputError(
            f"Lambda refuses such an {what}, RequestEntityTooLargeException: the payload is too"
            f" large for the RequestResponse invocation type (limit {limit} bytes): {name}"
        )
    with naming(f"the {what} {name}", hint="Lambda takes nothing but JSON, in UTF-8"):
        check_json(event)
    return event


def _read_event_file(name: str, limit: int, what: str) -> bytes:
    """A byte more than the limit, where it has more."""
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else Path(name).open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise InputError(f"can't read the {what}, {error.strerror}: {name}") from error


def _only_handler(arguments: argparse.Namespace) -> str:
    """The one program in the package and its layers; none takes any name: Go's usual one, then."""
    packages = map(read_package, (arguments.package, *arguments.layers))
    names = sorted(frozenset().union(*map(handlers_of, packages)))
    if len(names) > 1:
        there = ", ".join(f"`{name}`" for name in names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        raise InputError(
            f"which handler? there are {there}{more}", hint="name one: `--handler NAME`"
        )
    return names[0] if names else BOOTSTRAP


def _runs_handler(function: Function) -> bool:
    from shim.check.runtimes import known_runtime

    return known_runtime(function.runtime).runs_handler


def _environment(arguments: argparse.Namespace, function: Function | None) -> dict[str, str]:
    environment = dict(function.environment if function else ()) | dict(arguments.env)
    for name in DECIDED_HERE & environment.keys():
        raise InputError(f"this variable is set by shim itself: {name}")
    return environment
