"""Reads ahead what verdicts will ask of programs: inflating them is most of a check's time."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.elf import ElfInvalid
from shim.package.contents import Unreadable
from shim.package.executables import elf_linking, elf_start
from shim.package.manifest import read_manifest
from shim.package.names import BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from shim.package.read import Entry, Package

_LARGE = 1 << 20
"""Bytes of a program that is worth a thread."""

_PROGRAMS_LIMIT = 400


@contextmanager
def reading_ahead(packages: Collection[Package], handler: str | None) -> Iterator[None]:
    """Read in two threads what `handler`, or else every large program, asks of the dynamic linker.

    And then what those libraries do whose names they ask for; `elf_linking` keeps it all. While
    this is open, the calling thread does something else; at its end it is the second one.
    Inflating frees the interpreter's lock; each thread holds one file's bytes.
    """
    files = [entry for package in packages for entry in package.entries]
    started = [entry for package in packages for entry in _may_be_started(package)]
    with _reading(islice(_large_programs(started, handler), _PROGRAMS_LIMIT)) as needed:
        yield
    wanted = set[str]()
    while names := needed - wanted:
        wanted |= names
        with _reading(entry for entry in files if _base(entry.name) in names) as needed:
            pass


@contextmanager
def _reading(waiting: Iterable[Entry]) -> Iterator[set[str]]:
    """Read them in another thread, at the end in this one too; gives the names they need, then."""
    # The largest first, or the threads would end far apart.
    entries = iter(sorted(waiting, key=lambda entry: entry.size, reverse=True))
    needed = set[str]()
    # As a daemon: where this thread fails, nobody waits for what was to be read.
    other = Thread(target=_drain, args=(entries, needed), daemon=True)
    other.start()
    yield needed
    _drain(entries, needed)
    other.join()


def _large_programs(files: Iterable[Entry], handler: str | None) -> Iterator[Entry]:
    base = _base(handler or "")
    names = {BOOTSTRAP, base, f"{base}{Arch.ARM64.suffix}"}
    for entry in files:
        is_large = stat.S_ISREG(entry.kind) and entry.size >= _LARGE
        if is_large and (handler is None or _base(entry.name) in names) and _is_dynamic(entry):
            yield entry


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _may_be_started(package: Package) -> Iterable[Entry]:
    """All of a package's entries, or those that its manifest names."""
    manifest = read_manifest(package)
    if manifest is None:
        return package.entries
    paths = (BOOTSTRAP, *manifest.paths)
    return [entry for path in paths if (entry := package.names.get(path))]


def _is_dynamic(entry: Entry) -> bool:
    """Whether it is an ELF file of which the headers alone don't tell what it is, and needs."""
    try:
        start = elf_start(entry)
    except (ElfInvalid, Unreadable):
        return False
    return start.is_dynamic and (start.entry != 0 or start.interpreter is not None)


def _drain(entries: Iterator[Entry], needed: set[str]) -> None:
    """Read `entries`, which other threads take from too, and note the names that they need."""
    for entry in entries:
        try:
            linking = elf_linking(entry)
        except (ElfInvalid, Unreadable):
            # No ELF file, or none that can be read: the verdicts will say so.
            continue
        if linking:
            needed.update(linking.needed)
