"""Builds layers with which the old package starts under the new settings, before any other call.

Functions on a runtime that Lambda updates no more take one call, the one that names another
runtime: no package can be brought in before it, so what starts has to come as a layer in that call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.errors import InputError
from shim.package.names import BOOTSTRAP, name_problem
from shim.plan.bridge.bridge import Bridge, Bridges, package_of
from shim.plan.bridge.contents import Files, files_of
from shim.plan.bridge.side import (
    Program,
    Side,
    laid_out,
    launchers,
    put_program,
    read_side,
)

if TYPE_CHECKING:
    from pathlib import Path

    from shim.check.state import State
    from shim.package.read import Package

LAUNCHER = "has a launcher, which starts the old package's program until the new package is there"
PROGRAM = "has the new package's program, which starts before the new package is there"


def bridge_starts(
    begin: State, wanted: State, *, bases: tuple[tuple[Package, ...], ...], path: Path
) -> Bridges:
    """The layers that may start either package, each as the last of the layers of any of `bases`.

    They are thought of as lying beside `path`, by names of their own.
    """
    old, new = read_side(begin), read_side(wanted)
    has_start = BOOTSTRAP in files_of(begin.package, *begin.layers)
    arches = tuple(arch for arch in Arch if arch in {old.arch, new.arch})
    start = {} if has_start else launchers(arches)
    found, reasons = [], []
    if start:
        package = package_of(start, str(path.with_stem(f"{path.stem}-launcher")))
        found.append(_bridge(package, LAUNCHER, bases))
    try:
        name = _name(old, new)
        files = _programs(old, new, name, arches) | start
        package = package_of(files, str(path.with_stem(f"{path.stem}-program")))
        found.append(_bridge(package, PROGRAM, bases, name))
    except InputError as error:
        reasons.append(f"no layer can start instead of the package: {error.message}")
    return Bridges(found=tuple(found), reasons=tuple(reasons))


def _bridge(
    package: Package, what: str, bases: tuple[tuple[Package, ...], ...], name: str | None = None
) -> Bridge:
    layers = tuple((*base, package) for base in bases)
    return Bridge(package=package, what=what, layers=layers, handler=name)


def _name(old: Side, new: Side) -> str:
    """The handler that the layer's program is, where no file of the old package's is in the way."""
    files = files_of(old.state.package)
    if BOOTSTRAP in files and BOOTSTRAP not in old.start:
        raise InputError(
            f"the old package's `{BOOTSTRAP}` comes before a layer's, and goes on to no handler"
        )
    name = new.handler_path
    if name in files or name_problem(name):
        return f"{old.handler_path}-bridge"
    return name


def _programs(old: Side, new: Side, name: str, arches: tuple[Arch, ...]) -> Files:
    """The new package's files, and its program as `name`, for each architecture that it has."""
    if old.arch not in new.programs:
        raise InputError(f"the new package has no program for {old.arch}, as the function is now")
    programs: dict[str, Program] = {}
    for arch in arches:
        if arch in new.programs:
            suffix = arch.suffix if len(arches) > 1 else ""
            put_program(programs, f"{name}{suffix}", new.programs[arch])
    return laid_out((new,), programs)
