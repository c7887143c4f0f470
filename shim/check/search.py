"""Where glibc's dynamic linker looks for a library, in its order (ld.so(8); elf/dl-load.c)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from shim.arch import Arch
from shim.check.runtimes import read_service
from shim.check.tree import Node, Tree
from shim.package.kept import kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.elf import Linking

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))")
_LEVELS = (("x86-64-v4", False), ("x86-64-v3", True), ("x86-64-v2", True))
"""Subfolders for levels of x86-64, and whether all of Lambda's machines have the level: AVX2, which
v3 stands for, is documented (AWS Lambda Developer Guide, foundation-arch); AVX-512 is not."""

_LEVELS_SINCE = (2, 33)  # glibc's NEWS
_SEEN = (2, 31)
"""The first glibc that was seen to look into `atomics` on arm64 (tests/check/oracle)."""

_LEGACY_UNTIL = (2, 37)  # glibc's NEWS: the first without
# What the kernel says, or, on some of Intel's processors, what old glibcs say instead.
_PLATFORMS = {Arch.X86_64: ("haswell", "x86_64"), Arch.ARM64: ("aarch64",)}
_CAPABILITIES = {Arch.X86_64: "x86_64", Arch.ARM64: "atomics"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A file that the linker has mapped."""

    path: str
    linking: Linking | None
    """None of the runtime's own."""
    parent: Loaded | None
    """What needed it; None of the program."""
    where: str
    """How people call it."""


class Folder(NamedTuple):
    """Where the linker looks, or, on machines of some kinds, may look."""

    path: str
    is_certain: bool = True


def folders(tree: Tree, state: State, file: Loaded) -> Iterator[Folder]:
    """Where the linker looks for what `file` needs, subfolders for kinds of machines included."""
    for folder in _listed(state, file):
        for name, is_certain in _subfolders(tree, folder.path, state.runtime, state.arch):
            yield Folder(f"{folder.path}/{name}", folder.is_certain and is_certain)
        yield folder


def expand(text: str, *, origin: str, state: State) -> tuple[Folder, ...]:
    """A path with `$ORIGIN`, `$LIB` and `$PLATFORM` in it; any other word stays."""
    words = {"ORIGIN": origin, "LIB": state.runtime.folders(state.arch)[0].lstrip("/")}
    if "PLATFORM" not in text:
        return (Folder(_replaced(text, words)),)
    platforms = _PLATFORMS[state.arch]
    is_certain = len(platforms) == 1 or state.runtime.versions["GLIBC"] >= _LEGACY_UNTIL
    return tuple(
        Folder(_replaced(text, {**words, "PLATFORM": one}), is_certain) for one in platforms
    )


def _replaced(text: str, words: Mapping[str, str]) -> str:
    return _TOKEN.sub(lambda match: words[match[1] or match[2]], text)


def _listed(state: State, file: Loaded) -> Iterator[Folder]:
    """The folders that files, environment and system name, in the linker's order.

    `DT_RPATH` of the file and of those that needed it come first, where the file has no
    `DT_RUNPATH`; one of a file that has both counts for nothing.
    """
    run_path = file.linking.run_path if file.linking else None
    if run_path is None:
        ancestor: Loaded | None = file
        while ancestor is not None:
            if ancestor.linking and ancestor.linking.run_path is None:
                yield from _path_list(ancestor.linking.old_run_path, ancestor.path, state)
            ancestor = ancestor.parent
    environment = state.variable("LD_LIBRARY_PATH", ":".join(read_service().library_path))
    yield from _path_list(environment.replace(";", ":"), _program(file).path, state)
    yield from _path_list(run_path, file.path, state)
    yield from map(Folder, state.runtime.folders(state.arch))


def _program(file: Loaded) -> Loaded:
    while file.parent is not None:
        file = file.parent
    return file


def _path_list(text: str | None, path: str, state: State) -> Iterator[Folder]:
    """A list's folders, for the file at `path`; an empty one is the working directory."""
    origin = path.rpartition("/")[0] or "/"
    for item in text.split(":") if text else ():
        for folder in expand(item, origin=origin, state=state):
            yield Folder((folder.path.rstrip("/") or "/") if item else ".", folder.is_certain)


@kept
def _subfolders(
    tree: Tree, folder: str, runtime: Runtime, arch: Arch
) -> tuple[tuple[str, bool], ...]:
    """Those of a folder that are there and that the runtime's linker knows."""
    return tuple(
        (name, is_certain)
        for name, is_certain in _machine_folders(runtime.versions["GLIBC"], arch)
        if isinstance(tree.find(f"{folder}/{name}"), Node)
    )


def _machine_folders(glibc: tuple[int, ...], arch: Arch) -> Iterator[tuple[str, bool]]:
    """Subfolders that a glibc looks into first on some machines, and if it does so on all."""
    if arch is Arch.X86_64 and glibc >= _LEVELS_SINCE:
        for level, is_certain in _LEVELS:
            yield f"glibc-hwcaps/{level}", is_certain
    if glibc >= _LEGACY_UNTIL:
        return
    platforms = _PLATFORMS[arch]
    for parts in product(("tls", ""), (*platforms, ""), (_CAPABILITIES[arch], "")):
        platform, capability = parts[1:]
        is_certain = not platform if arch is Arch.X86_64 else not capability or glibc >= _SEEN
        if any(parts):
            yield "/".join(filter(None, parts)), is_certain
