"""Reads ahead what verdicts will ask of programs: inflating them is most of a check's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.check.programs import elf_linking
from shim.elf import ElfInvalid
from shim.package.read import Unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shim.elf_linking import Linking
    from shim.package.read import Entry

_THREADS = 2
"""Inflating frees the interpreter's lock; each thread holds a file's bytes."""


def read_ahead(programs: Iterable[Entry], files: Collection[Entry]) -> None:
    """Read what `programs` ask of the dynamic linker, and then what those of `files` do whose
    names they ask for. `elf_linking` keeps it all."""
    from concurrent.futures import ThreadPoolExecutor  # it imports much

    waiting, wanted = list(programs), set[str]()
    with ThreadPoolExecutor(_THREADS) as pool:
        while waiting:
            # The largest first, or the threads would end far apart.
            waiting.sort(key=lambda entry: entry.size, reverse=True)
            linkings = pool.map(_linking, waiting)
            needed = {name for linking in linkings if linking for name in linking.needed} - wanted
            wanted |= needed
            waiting = [entry for entry in files if entry.name.rpartition("/")[2] in needed]


def _linking(entry: Entry) -> Linking | None:
    """None for what is no ELF file, or none that can be read: the verdicts will say so."""
    try:
        return elf_linking(entry)
    except (ElfInvalid, Unreadable):
        return None
