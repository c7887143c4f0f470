"""Builds the package that starts on both sides of a change, where neither package alone does.

Nothing is written here: a bridge is a value whose entries are the two packages' own, so that the
search can look at several. `shim.plan.bridge.writing` writes the one that a plan needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.execution import Machine
from shim.check.start import find_program, goes_on_to_handler
from shim.check.tree import TASK
from shim.errors import InputError
from shim.package.executables import Kind, kind_of
from shim.package.launchers import Flavour, dual_script, launcher_files
from shim.package.limits import format_size, read_limits
from shim.package.names import BOOTSTRAP, PRIVATE, check_handler_name, parts_of
from shim.package.read import Package
from shim.plan.bridge.contents import (
    Conflict,
    Files,
    check_paths,
    files_of,
    is_same,
    link,
    made,
    moved,
    starts_on,
    united,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.check.state import State
    from shim.package.read import Entry

BOTH = "has the programs of both packages, each where its own settings look for it"
OLD = "is the old package; its program starts under the new settings too"
NEW = "is the new package; its program starts under the old settings too"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Program:
    """The file that a function is, on one architecture."""

    entry: Entry
    home: str | None
    """Where its own package has it; None where it is a layer's, or `bootstrap` itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    """A package for the time of a change."""

    package: Package
    what: str
    """What it is: goes on from "the bridge package"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridges:
    """All that could be made, those first that mix the least; and why others could not."""

    found: tuple[Bridge, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Side:
    """A state, taken apart."""

    state: State
    files: Files
    """All but `bootstrap`, what is behind it, and the function's own programs."""
    start: Files
    """`bootstrap`, and shim's folder, where they go on to the handler; else empty."""
    programs: Mapping[Arch, Program]

    @property
    def handler_path(self) -> str:
        """Where in the package the handler's name leads to."""
        return "/".join(parts_of(self.state.handler))

    @property
    def arch(self) -> Arch:
        return self.state.arch

    @property
    def runs_handler(self) -> bool:
        return self.state.runtime.runs_handler


def bridge_packages(begin: State, wanted: State, *, path: str) -> Bridges:
    """The packages that may start on both sides of the change, as if they were at `path`."""
    old, new = _read_side(begin), _read_side(wanted)
    found: list[Bridge] = []
    reasons: dict[str, None] = {}
    wholes = ((BOTH, (old, new)), (OLD, (old,)), (NEW, (new,)))
    for (what, sides), lay_out in product(wholes, (_behind_launcher, _without_launcher)):
        try:
            files = lay_out(old, new, sides=sides)
            package = _package(files, path)
        except InputError as error:
            reasons[error.message] = None
            continue
        found.append(Bridge(package=package, what=what + _replaced(sides, files)))
    return Bridges(found=tuple(found), reasons=tuple(reasons))


def _replaced(sides: tuple[_Side, ...], files: Files) -> str:
    """Scripts of the user's own that the bridge does without: what they set up is not set up."""
    starts = {side.state.package.path: side.start.get(BOOTSTRAP) for side in sides}
    return "".join(
        f"; of {path} it leaves out the script that is `bootstrap`"
        for path, start in starts.items()
        if start is not None
        and kind_of(start) is Kind.SCRIPT
        and not (BOOTSTRAP in files and is_same(start, files[BOOTSTRAP]))
    )


def _package(files: Files, path: str) -> Package:
    check_paths(files)
    entries = tuple(replace(entry, name=name) for name, entry in sorted(files.items()))
    package = Package(path=path, entries=entries)
    if package.size > (limit := read_limits().unzipped):
        raise InputError(
            f"together the two packages unpack to {format_size(package.size)}, and Lambda takes"
            f" {format_size(limit)}"
        )
    return package


def _read_side(state: State) -> _Side:
    files = files_of(state.package)
    programs = {arch: one for arch in Arch if (one := _program(state, arch)) is not None}
    start = {path: files[path] for path in files if _is_start(path)}
    homes = {program.home for program in programs.values()}
    is_dispatch = BOOTSTRAP in start and goes_on_to_handler(start[BOOTSTRAP])
    return _Side(
        state=state,
        files={
            path: entry for path, entry in files.items() if path not in start and path not in homes
        },
        start=start if is_dispatch else {},
        programs=programs,
    )


def _is_start(path: str) -> bool:
    return path == BOOTSTRAP or path.startswith(f"{PRIVATE}/")


def _program(state: State, arch: Arch) -> Program | None:
    """What the function is on `arch`, be that its own architecture or not."""
    node = find_program(Machine(replace(state, arch=arch)))
    if node is None or node.file is None:
        return None
    if not starts_on(node.file.entry, arch, own=state.arch):
        return None
    path = node.path.removeprefix(f"{TASK}/") if node.path.startswith(f"{TASK}/") else None
    return Program(entry=node.file.entry, home=None if path and _is_start(path) else path)


def _behind_launcher(old: _Side, new: _Side, *, sides: tuple[_Side, ...]) -> Files:
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
            _put(programs, f"{owner.handler_path}{suffix}", _choose(owner, arch, sides))
    return _laid_out(sides, programs) | _start_of(sides, arches)


def _without_launcher(old: _Side, new: _Side, *, sides: tuple[_Side, ...]) -> Files:
    """The program itself as `bootstrap`: whatever the handler says, that starts.

    Raises `InputError` where it can't be.
    """
    programs: dict[str, Program] = {}
    arches = _architectures(old, new, sides)
    for owner in (old, new):
        if owner.runs_handler:
            _put(programs, owner.handler_path, _choose(owner, owner.arch, sides))
            continue
        for arch in arches:
            # Where both sides start `bootstrap`, only the architecture tells them apart.
            is_other = arch is not owner.arch and not (old.runs_handler or new.runs_handler)
            side = (old if owner is new else new) if is_other else owner
            path = f"{PRIVATE}/{arch.machine}" if len(arches) > 1 else BOOTSTRAP
            _put(programs, path, _choose(side, arch, sides))
    laid_out = _laid_out(sides, programs)
    if len(arches) > 1:
        laid_out[BOOTSTRAP] = made(BOOTSTRAP, dual_script())
    return laid_out


def _architectures(old: _Side, new: _Side, sides: tuple[_Side, ...]) -> tuple[Arch, ...]:
    """Those of the change that one of `sides` has a program for."""
    if any(not side.programs.get(side.arch) for side in sides):
        raise InputError("it can't be told which file the function is, so nothing can stand for it")
    wanted = {old.arch, new.arch}
    return tuple(
        arch for arch in Arch if arch in wanted and any(arch in side.programs for side in sides)
    )


def _choose(owner: _Side, arch: Arch, sides: tuple[_Side, ...]) -> Program:
    """The owner's program for `arch`; where it has none, or may not be asked, another one's."""
    for side in sorted(sides, key=lambda side: side is not owner):
        if arch in side.programs:
            return side.programs[arch]
    raise InputError(f"there is no program for {arch}")


def _put(programs: dict[str, Program], path: str, program: Program) -> None:
    other = programs.setdefault(path, program)
    if not is_same(other.entry, program.entry):
        raise Conflict(
            f"the old and the new program would both have to be `{path}`, and nothing would tell"
            " them apart"
        )


def _laid_out(sides: tuple[_Side, ...], programs: Mapping[str, Program]) -> Files:
    """The sides' other files, and the programs: each once, and links to it elsewhere."""
    files: Files = {}
    for side in sides:
        files = united(files, side.files)
    for path in programs:
        if path in files:
            raise Conflict(f"a program would have to be at `{path}`, where there is another file")
    for program in dict.fromkeys(programs.values()):
        own = [path for path, other in programs.items() if other is program]
        home = program.home
        # At home it has its libraries beside it, however it is called.
        if home is not None and home not in own and home not in files and home not in programs:
            own.insert(0, home)
        elif home in own:
            own.sort(key=lambda path: path != home)
        files[own[0]] = moved(program.entry, own[0])
        files |= {path: link(path, own[0]) for path in own[1:]}
    return files


def _start_of(sides: tuple[_Side, ...], arches: tuple[Arch, ...]) -> Files:
    """What the sides start with, where that is one thing for one architecture; else launchers."""
    starts = [side.start for side in sides if side.start]
    if len(starts) == 1 and len(arches) == 1 and arches == (sides[0].arch,):
        return starts[0]
    if len(starts) == 2 and len(arches) == 1:
        try:
            return united(*starts)
        except Conflict:
            pass
    return {path: made(path, data) for path, data in _launchers(arches).items()}


def _launchers(arches: tuple[Arch, ...]) -> dict[str, bytes]:
    return launcher_files(arches, Flavour.LEAN)
