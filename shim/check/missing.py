"""What isn't there, and what is there instead: findings whose hints look at the package."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.absent import left_open
from shim.check.findings import Finding, Severity, finding, location
from shim.check.tree import OPT, TASK, Node
from shim.package.executables import handlers_of
from shim.package.kept import kept
from shim.package.names import BOOTSTRAP

if TYPE_CHECKING:
    from shim.check.attempt import Attempt
    from shim.check.execution import Machine
    from shim.package.read import Package

PACK = "pack it with `shim pack`, which puts a launcher there"
_NEARLY = frozenset({BOOTSTRAP, f"{BOOTSTRAP}.sh", f"{BOOTSTRAP}.exe", f"{BOOTSTRAP}.bin"})
_SHOWN = 5
GOES_ON = frozenset({errno.ENOENT, errno.ENOTDIR})
"""Errors after which the next candidate is tried."""


def missing_bootstrap(machine: Machine) -> Finding:
    """Nothing that Lambda would start."""
    package = machine.state.package
    there = machine.tree.entry(f"{TASK}/{BOOTSTRAP}")
    where = location(package, BOOTSTRAP)
    if there is not None and stat.S_ISLNK(there.kind):
        return finding(
            "bootstrap-link-dangling",
            where,
            "is a link to nothing, and nothing else stands there to be started",
            hint="let the link lead to a file in the package",
            severity=Severity.ERROR,
        )
    return left_open(
        machine.state,
        finding(
            "bootstrap-missing",
            where,
            "is not there, nor in a layer: Lambda has nothing to start",
            hint=_instead_of_bootstrap(machine) or PACK,
        ),
    )


def missing_handler(machine: Machine, attempt: Attempt) -> Finding:
    """No file that is the handler; `attempt` is the first path where it was looked for."""
    handler = machine.state.handler
    if attempt.error not in GOES_ON:
        return refused_handler(attempt)
    if machine.state.arch is Arch.X86_64:
        for root in (TASK, OPT):
            if isinstance(machine.tree.find(f"{root}/{handler}_arm64"), Node):
                return left_open(
                    machine.state,
                    finding(
                        "handler-wrong-architecture",
                        f"{root}/{handler}_arm64",
                        f"is there, `{handler}` for x86_64 is not",
                        hint="build it for x86_64 too (Go: `GOOS=linux GOARCH=amd64`)",
                    ),
                )
    return left_open(
        machine.state,
        finding(
            "handler-missing",
            "Handler",
            f"names `{handler}`, and no such file is in the package or the layers",
            hint=_instead_of_handler(handler, machine.state.package, machine.state.layers),
        ),
    )


def missing_wrapper(machine: Machine, wrapper: str) -> Finding:
    """No file that AWS_LAMBDA_EXEC_WRAPPER names."""
    return left_open(
        machine.state,
        finding(
            "wrapper-missing",
            "AWS_LAMBDA_EXEC_WRAPPER",
            f"names `{wrapper}`, which is not there",
            hint="add the layer that has it, or unset the variable",
        ),
        wrapper,
    )


def refused_handler(attempt: Attempt) -> Finding:
    """A handler's name that Linux refuses."""
    return finding(
        "handler-invalid",
        "Handler",
        f"can't be executed at `{attempt.path}`: {errno.errorcode.get(attempt.error)}",
        hint="name it by its path in the package: `bin/orders`",
    )


def _instead_of_bootstrap(machine: Machine) -> str | None:
    """What looks as if it was to be `bootstrap`."""
    for layer in machine.state.layers:
        if folders := _folders_of_bootstrap(layer):
            return (
                f"the layer has it in a folder `{folders[0]}`: a layer is unpacked into /opt,"
                " zip it without"
            )
    return _nearly_bootstrap(machine.state.package)


def _folders_of_bootstrap(package: Package) -> list[str]:
    """The folders that have a file of that name."""
    below = f"/{BOOTSTRAP}"
    return [name.removesuffix(below) for name in _files(package) if name.endswith(below)]


@kept
def _nearly_bootstrap(package: Package) -> str | None:
    folders = _folders_of_bootstrap(package)
    if len(folders) == 1:
        return f"it is in the folder `{folders[0]}`: zip what is in that folder, not the folder"
    if folders:
        return f"each of these folders has one, and is a package by itself: {_listed(folders)}"
    for name in package.names:
        if "/" not in name and name.lower() in _NEARLY:
            return f"`{name}` is there: the name has to be exactly `{BOOTSTRAP}`"
    programs = handlers_of(package)
    if not programs and (zips := [name for name in _files(package) if name.endswith(".zip")]):
        return f"Lambda unpacks no zip in a package: give the package itself, {_listed(zips)}"
    if not programs:
        return f"nothing there is a program: add one as `{BOOTSTRAP}`, or the layer that has one"
    if len(programs) == 1:
        return f"`{min(programs)}` is the only program there: call it `{BOOTSTRAP}`, or {PACK}"
    return None


def _files(package: Package) -> list[str]:
    names = package.names.items()
    return [name for name, entry in names if entry is not None and not stat.S_ISDIR(entry.kind)]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more


def _instead_of_handler(handler: str, package: Package, layers: tuple[Package, ...]) -> str:
    import difflib  # a millisecond that few checks need

    names = _handler_names(package, layers)
    if near := difflib.get_close_matches(handler, names, n=3):
        return f"nearest: {', '.join(f'`{name}`' for name in near)}"
    if names:
        return f"{'there is' if len(names) == 1 else 'there are'} {_listed(names)}"
    return "name it by its path in the package: `bin/orders`"


@kept
def _handler_names(package: Package, layers: tuple[Package, ...]) -> list[str]:
    return sorted(frozenset().union(*map(handlers_of, (package, *layers))))[:1000]
