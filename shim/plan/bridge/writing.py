"""Writes a package that is so far only other packages' entries: the whole zip, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import deflate

from shim.errors import InputError
from shim.package.entry import Entry as NewEntry
from shim.package.function import write_zip
from shim.package.read import (
    READ_LIMIT,
    Entry,
    FileContent,
    MemoryContent,
    Package,
    Unreadable,
    ZipContent,
    read_package,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, kw_only=True, slots=True)
class EntrySource:
    """An entry of a package that was read; see `shim.package.entry.Source`."""

    path: Path
    size: int
    crc32: int
    entry: Entry

    def content(self) -> bytes:
        """See `Source`."""
        return self.read(0, min(self.size + 1, READ_LIMIT))

    def read(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        try:
            return self.entry.read(offset, size)
        except Unreadable as error:
            raise InputError(f"it can't be packed, {error}: `{self.path}`") from error


def write_package(package: Package, *, progress: Callable[[int], None] = lambda _: None) -> Package:
    """Write `package` to its own path, and read it back; the same entries give the same bytes.

    Raises `InputError` where a file that it is made of is not what it was when it was read.
    """
    entries = [
        NewEntry(name=entry.name, mode=entry.kind | entry.mode, source=_source(entry))
        for entry in package.entries
    ]
    path = Path(package.path)
    write_zip(path, entries, progress=progress)
    return read_package(path)


def check_apart(path: Path, packages: Iterable[Package]) -> None:
    """Refuse to write over one of the packages that a bridge is made of."""
    for package in packages:
        if path.resolve() == Path(package.path).resolve():
            raise InputError(
                f"the bridge would take the place of what it is made of: `{path}`",
                hint="let it be written somewhere else: `--bridge FOLDER`",
            )


def _source(entry: Entry) -> bytes | EntrySource:
    match entry.content:
        case MemoryContent(data=data):
            return data
        case ZipContent(path=path, crc32=crc32):
            # What the zip's directory announced when the verdict went by it.
            where = Path(f"{path}!/{entry.name}")
            return EntrySource(path=where, size=entry.size, crc32=crc32, entry=entry)
        case FileContent(path=path):
            source = EntrySource(path=path, size=entry.size, crc32=0, entry=entry)
            return replace(source, crc32=deflate.crc32(source.content()))
        case other:
            raise TypeError(other)
