"""What to do about a library that the linker doesn't find, by what of that name is there."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.tree import OPT, TASK, Node
from shim.elf import ElfInvalid
from shim.package.contents import Unreadable
from shim.package.executables import elf_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.state import State
    from shim.check.tree import Tree
    from shim.package.read import Entry

_NOWHERE = (
    "link it statically, or put it into the package's `lib` folder, which is on LD_LIBRARY_PATH"
)


def hint_of_library(tree: Tree, state: State, name: str) -> str:
    """What to do about the library `name`."""
    hints = [_hint(tree, state, path, entry) for path, entry in _named(state, name)]
    return next(filter(None, hints), _NOWHERE)


def _named(state: State, name: str) -> Iterator[tuple[str, Entry]]:
    """What has that name, in whatever folder."""
    roots = [(TASK, state.package), *((OPT, layer) for layer in reversed(state.layers))]
    for root, package in roots:
        for path, entry in package.names.items():
            if entry is not None and path.rpartition("/")[2] == name:
                yield f"{root}/{path}", entry


def _hint(tree: Tree, state: State, path: str, entry: Entry) -> str | None:
    node = tree.find(path)
    if stat.S_ISLNK(entry.kind) and not isinstance(node, Node):
        return f"`{path}` is a link to nothing: put the library itself there"
    if not isinstance(node, Node) or node.file is None or node.is_folder:
        return None
    if not node.is_readable:
        return f"`{path}` has the mode {node.file.entry.mode:04o}: `chmod 644` it before packing"
    try:
        machine = elf_start(node.file.entry).machine
    except (ElfInvalid, Unreadable):
        return None
    if machine != state.arch.elf_machine:
        built_for = Arch.from_elf_machine(machine) or f"ELF machine {machine}"
        return f"`{path}` is built for {built_for}: bring the one for {state.arch}"
    folder = path.rpartition("/")[0]
    return (
        f"`{path}` is there, where the linker doesn't look: put it into the package's `lib` folder,"
        f" or set LD_LIBRARY_PATH to hold {folder}, or link with a run path that leads there"
    )
