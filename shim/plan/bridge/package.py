"""Builds the package that starts on both sides of a change, where neither package alone does.

Nothing is written here: a bridge is a value whose entries are the two packages' own, so that the
search can look at several. `shim.plan.bridge.writing` writes the one that a plan needs.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.errors import InputError
from shim.package.executables import Kind, kind_of
from shim.package.launchers import dual_script
from shim.package.names import BOOTSTRAP, PRIVATE, check_handler_name
from shim.plan.bridge.bridge import Bridge, Bridges, package_of
from shim.plan.bridge.contents import Conflict, Files, is_same, made, united
from shim.plan.bridge.side import (
    Program,
    Side,
    choose_program,
    laid_out,
    launchers,
    put_program,
    read_side,
)

if TYPE_CHECKING:
    from shim.check.state import State

BOTH = "has the programs of both packages, each where its own settings look for it"
OLD = "is the old package; its program starts under the new settings too"
NEW = "is the new package; its program starts under the old settings too"


def bridge_packages(begin: State, wanted: State, *, path: str) -> Bridges:
    """The packages that may start on both sides of the change, as if they were at `path`."""
    old, new = read_side(begin), read_side(wanted)
    found: list[Bridge] = []
    reasons: dict[str, None] = {}
    wholes = ((BOTH, (old, new)), (OLD, (old,)), (NEW, (new,)))
    for (what, sides), lay_out in product(wholes, (_behind_launcher, _without_launcher)):
        try:
            files = lay_out(old, new, sides=sides)
            package = package_of(files, path)
        except InputError as error:
            reasons[error.message] = None
            continue
        found.append(Bridge(package=package, what=what + _replaced(sides, files)))
    return Bridges(found=tuple(found), reasons=tuple(reasons))


def _replaced(sides: tuple[Side, ...], files: Files) -> str:
    """Scripts of the user's own that the bridge does without: what they set up is not set up."""
    starts = {side.state.package.path: side.start.get(BOOTSTRAP) for side in sides}
    return "".join(
        f"; of {path} it leaves out the script that is `bootstrap`"
        for path, start in starts.items()
        if start is not None
        and kind_of(start) is Kind.SCRIPT
        and not (BOOTSTRAP in files and is_same(start, files[BOOTSTRAP]))
    )


def _behind_launcher(old: Side, new: Side, *, sides: tuple[Side, ...]) -> Files:
    """A launcher, and behind each handler's name the program of its own side, or else the other's.

    Raises `InputError` where it can't be.
    """
    programs: dict[str, Program] = {}
    arches = _architectures(old, new, sides)
    for owner in (old, new):
        if not owner.runs_handler:
            check_handler_name(owner.state.handler)
        for arch in arches:
            suffix = arch.suffix if len(arches) > 1 else ""
            put_program(
                programs, f"{owner.handler_path}{suffix}", choose_program(owner, arch, sides)
            )
    return laid_out(sides, programs) | _start_of(sides, arches)


def _without_launcher(old: Side, new: Side, *, sides: tuple[Side, ...]) -> Files:
    """The program itself as `bootstrap`: whatever the handler says, that starts.

    Raises `InputError` where it can't be.
    """
    programs: dict[str, Program] = {}
    arches = _architectures(old, new, sides)
    for owner in (old, new):
        if owner.runs_handler:
            put_program(programs, owner.handler_path, choose_program(owner, owner.arch, sides))
            continue
        for arch in arches:
            # Where both sides start `bootstrap`, only the architecture tells them apart.
            is_other = arch is not owner.arch and not (old.runs_handler or new.runs_handler)
            side = (old if owner is new else new) if is_other else owner
            path = f"{PRIVATE}/{arch.machine}" if len(arches) > 1 else BOOTSTRAP
            put_program(programs, path, choose_program(side, arch, sides))
    files = laid_out(sides, programs)
    if len(arches) > 1:
        files[BOOTSTRAP] = made(BOOTSTRAP, dual_script())
    return files


def _architectures(old: Side, new: Side, sides: tuple[Side, ...]) -> tuple[Arch, ...]:
    """Those of the change that one of `sides` has a program for."""
    if any(not side.programs.get(side.arch) for side in sides):
        raise InputError("it can't be told which file the function is, so nothing can stand for it")
    wanted = {old.arch, new.arch}
    return tuple(
        arch for arch in Arch if arch in wanted and any(arch in side.programs for side in sides)
    )


def _start_of(sides: tuple[Side, ...], arches: tuple[Arch, ...]) -> Files:
    """What the sides start with, where that is one thing for one architecture; else launchers."""
    starts = [side.start for side in sides if side.start]
    if len(starts) == 1 and len(arches) == 1 and arches == (sides[0].arch,):
        return starts[0]
    if len(starts) == 2 and len(arches) == 1:
        try:
            return united(*starts)
        except Conflict:
            pass
    return launchers(arches)
