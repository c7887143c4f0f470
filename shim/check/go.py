"""What would make a Go program smaller, or quicker to start: notes, which no verdict depends on."""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from shim.check.findings import finding, location
from shim.elf import ElfInvalid
from shim.package.contents import Unreadable
from shim.package.executables import elf_linking, elf_start, go_program
from shim.package.limits import format_size
from shim.package.names import BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.check.findings import Finding
    from shim.check.state import State
    from shim.elf import GoBuild
    from shim.package.executables import GoProgram
    from shim.package.read import Entry

_WORTHWHILE = 0.01
"""Of a program's size, symbols: less is what a note of its own takes."""

_LIBRARY = "github.com/aws/aws-lambda-go"
_FIRST_WITH_TAG = (1, 18)
_VERSION = re.compile(r"v(\d+)\.(\d+)")
_TAG = "lambda.norpc"
_LIBC = frozenset({"libc.so.6", "libpthread.so.0", "libresolv.so.2", "libdl.so.2"})
"""What Go's own net and os/user ask of the system."""


def check_go(state: State, *, may_inflate: bool = False) -> Iterator[Finding]:
    """Notes on the Go programs that are started in the state.

    How a zip's static ones were built is read only where all of them may be inflated for it.
    """
    for entry, place, program in _go_programs(state, may_inflate=may_inflate):
        share = program.strippable / entry.size
        if _WORTHWHILE < share < 1:
            yield finding(
                "go-symbols",
                place,
                f"has {format_size(program.strippable)} of symbols and debug information,"
                f" {share:.0%} of its {format_size(entry.size)}: nothing reads them when it runs",
                hint="build it with `-ldflags='-s -w'`",
            )
        if not state.runtime.runs_handler and program.build and _has_rpc(program.build):
            yield finding(
                "go-rpc",
                place,
                f"is built with aws-lambda-go {program.build.versions[_LIBRARY]}, without the tag"
                f" `{_TAG}`: it holds, and sets up, net/rpc, by which go1.x alone calls a function",
                hint=f"build it with `-tags {_TAG}`: some 2 MB less, and half a millisecond of each"
                " cold start, where it doesn't take net/rpc's own packages besides",
            )
        if program.build and _needs_libc_alone(entry, program.build):
            yield finding(
                "go-cgo",
                place,
                "is built with cgo, and needs no other library than the C library's",
                hint="where no package of yours has C in it, build it with `CGO_ENABLED=0`: it"
                " needs no glibc then, and starts up to a millisecond sooner",
            )


def go_programs(states: Iterable[State], *, may_inflate: bool = False) -> dict[str, GoProgram]:
    """The Go programs that are started in these states, by location."""
    found = (one for state in states for one in _go_programs(state, may_inflate=may_inflate))
    return {place: program for _, place, program in found}


def _go_programs(state: State, *, may_inflate: bool) -> Iterator[tuple[Entry, str, GoProgram]]:
    for package in (state.package, *state.layers):
        for path in _paths(state):
            entry = package.names.get(path)
            if entry is None or not stat.S_ISREG(entry.kind):
                continue
            with suppress(ElfInvalid, Unreadable):
                is_started = elf_start(entry).arch is state.arch
                program = go_program(entry, may_inflate=may_inflate) if is_started else None
                if program:
                    yield entry, location(package, path), program


def _paths(state: State) -> Iterator[str]:
    """Where what starts may lie: `bootstrap`, and the handler's variants for the architecture."""
    if not state.runtime.runs_handler:
        yield BOOTSTRAP
    yield from {state.handler, f"{state.handler}{state.arch.suffix}"}


def _has_rpc(build: GoBuild) -> bool:
    version = _VERSION.match(build.versions.get(_LIBRARY, ""))
    is_known = version is not None and (int(version[1]), int(version[2])) >= _FIRST_WITH_TAG
    return is_known and bool(build.settings) and _TAG not in build.tags


def _needs_libc_alone(entry: Entry, build: GoBuild) -> bool:
    linking = elf_linking(entry)
    is_cgo = build.settings.get("CGO_ENABLED") == "1"
    return is_cgo and linking is not None and {*linking.needed} <= _LIBC
