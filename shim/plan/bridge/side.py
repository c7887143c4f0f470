"""One side of a change, taken apart: the programs that a function is, and the files beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.execution import Machine
from shim.check.start import find_program, goes_on_to_handler
from shim.check.tree import TASK
from shim.errors import InputError
from shim.package.launchers import Flavour, launcher_files
from shim.package.names import BOOTSTRAP, PRIVATE, parts_of
from shim.plan.bridge.contents import (
    Conflict,
    Files,
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


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Program:
    """The file that a function is, on one architecture."""

    entry: Entry
    home: str | None
    """Where its own package has it; None where it is a layer's, or `bootstrap` itself."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Side:
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


def read_side(state: State) -> Side:
    """The state's package, and the programs that the function is."""
    files = files_of(state.package)
    programs = {arch: one for arch in Arch if (one := _program(state, arch)) is not None}
    start = {path: files[path] for path in files if _is_start(path)}
    homes = {program.home for program in programs.values()}
    is_dispatch = BOOTSTRAP in start and goes_on_to_handler(start[BOOTSTRAP])
    return Side(
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


def choose_program(owner: Side, arch: Arch, sides: tuple[Side, ...]) -> Program:
    """The owner's program for `arch`; where it has none, or may not be asked, another one's."""
    for side in sorted(sides, key=lambda side: side is not owner):
        if arch in side.programs:
            return side.programs[arch]
    raise InputError(f"there is no program for {arch}")


def put_program(programs: dict[str, Program], path: str, program: Program) -> None:
    """Let `path` be that program; raises `Conflict` where it has to be another one."""
    other = programs.setdefault(path, program)
    if not is_same(other.entry, program.entry):
        raise Conflict(
            f"the old and the new program would both have to be `{path}`, and nothing would tell"
            " them apart"
        )


def laid_out(sides: tuple[Side, ...], programs: Mapping[str, Program]) -> Files:
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


def launchers(arches: tuple[Arch, ...]) -> Files:
    """What starts a handler on all of `arches`."""
    files = launcher_files(arches, Flavour.LEAN)
    return {path: made(path, data) for path, data in files.items()}
