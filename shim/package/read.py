"""Packages and layers as everything here reads them: one entry for a zip's file and a folder's.

What is in a package is not trusted. Names, kinds and modes are what Lambda's unpacking makes of
them, as far as that is known (docs/reference/packages.md); bytes are read on demand, never kept.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.errors import InputError
from shim.files import HAS_MODES
from shim.package.contents import (
    Content,
    FileContent,
    MemoryContent,
    Unreadable,
    ZipContent,
)
from shim.package.directory import Directory, read_directory
from shim.package.kept import kept
from shim.package.names import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READ_LIMIT = 1 << 28
"""Bytes into a file that anything is read; Lambda takes 250 MB in all."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Entry:
    """One name in a package."""

    name: str
    """As it is written: possibly absolute, with `..`, or twice."""
    kind: int
    """One of stat's `S_IF…`."""
    mode: int
    """The permission bits."""
    size: int
    """Bytes, unpacked, as announced."""
    content: Content
    crc32: int | None = None
    """Of its bytes, as a zip announces it; None where nothing is announced."""
    problem: str | None = None
    """Why it can't be unpacked, as far as that shows without reading its bytes."""
    doubt: str | None = None
    """Why some unpackers might not unpack it."""
    has_mode: bool = True
    """Whether it is known: what makes zips on Windows writes no modes."""
    results: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)
    """What was worked out of it, see `kept`."""

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end. Raises `Unreadable`."""
        if self.problem:
            raise Unreadable(self.problem)
        if offset + size > READ_LIMIT:
            raise Unreadable(f"what would have to be read lies {offset:,} bytes into the file")
        return self.content.read(offset, size)

    def pieces(self) -> Iterator[bytes | bytearray]:
        """All of its bytes; raises `Unreadable` where they are not what the zip says."""
        if self.problem:
            raise Unreadable(self.problem)
        if self.size > READ_LIMIT:
            raise Unreadable(f"it has {self.size:,} bytes, more than are read of a file")
        yield from self.content.pieces()

    def whole(self) -> bytes:
        """All of its bytes at once; raises `Unreadable` where they are not what the zip says."""
        return b"".join(self.pieces())

    def opened(self) -> Entry:
        """The same, for reading at many offsets: of a zip's entry all bytes, once, if not too many.

        What can't be inflated whole, a damaged file, is read piece by piece as ever; what has
        another CRC-32 than the zip says raises `Unreadable`.
        """
        if self.problem or not isinstance(self.content, ZipContent):
            return self
        data = self.content.whole()
        return self if data is None else replace(self, content=MemoryContent(data=data))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Package:
    """A function's package or a layer: a zip's entries, or a folder's."""

    path: str
    """As the user knows it."""
    entries: tuple[Entry, ...]
    zipped: int | None = None
    """Bytes of the zip; None for a folder."""
    problem: str | None = None
    """Why it can't be unpacked as a whole."""
    doubt: str | None = None
    """Why some unpackers might not unpack it."""
    results: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)
    """What was worked out of it, see `kept`."""

    @property
    @kept
    def size(self) -> int:
        """Bytes of its files, unpacked, as announced."""
        return sum(entry.size for entry in self.entries if stat.S_ISREG(entry.kind))

    @property
    @kept
    def has_modes(self) -> bool:
        """Whether any is known: of a zip made on Windows none is."""
        return not self.entries or any(entry.has_mode for entry in self.entries)

    @property
    @kept
    def names(self) -> Mapping[str, Entry | None]:
        """Entries by the path that they are unpacked to, and None for folders without an entry.

        Of two at one path the later one counts; what leads out of the package is not there.
        """
        names: dict[str, Entry | None] = {}
        for entry in self.entries:
            parts = parts_of(entry.name)
            if parts and ".." not in parts and not entry.name.startswith("/"):
                names["/".join(parts)] = entry
                for depth in range(len(parts) - 1, 0, -1):
                    folder = "/".join(parts[:depth])
                    if folder in names:
                        break
                    names[folder] = None
        return names


def read_package(path: Path) -> Package:
    """The package or layer at `path`, a zip or a folder; `InputError` where it is neither."""
    try:
        if path.is_dir():
            return Package(path=str(path), entries=tuple(_folder_entries(path)))
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # Opening a named pipe would wait for ever.
            raise InputError(f"this is neither a zip nor a folder: `{path}`")
        size = status.st_size
        with path.open("rb", buffering=0) as file:
            directory = read_directory(file.fileno(), size)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"can't read the package, {reason}: `{path}`",
            hint="give a function's or a layer's zip, or a folder with the same files in it",
        ) from error
    return Package(
        path=str(path),
        entries=tuple(_zip_entries(path, directory)),
        zipped=size,
        problem=directory.problem,
        doubt=directory.doubt,
    )


def _zip_entries(path: Path, directory: Directory) -> Iterator[Entry]:
    for record in directory.records:
        content = ZipContent(
            path=path,
            start=record.start,
            compressed=record.compressed,
            size=record.size,
            method=record.method,
            crc32=record.crc32,
        )
        yield Entry(
            name=record.name,
            kind=record.kind,
            mode=record.mode,
            size=record.size,
            content=content,
            crc32=record.crc32,
            problem=record.problem,
            doubt=record.doubt,
            has_mode=record.has_mode,
        )


def _folder_entries(folder: Path) -> Iterator[Entry]:
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted(folders + files):
            path = Path(parent, name)
            status = path.lstat()
            content: Content = FileContent(path=path)
            if stat.S_ISLNK(status.st_mode):
                content = MemoryContent(data=os.fsencode(path.readlink().as_posix()))
            elif not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                # As above, and a device may have no end.
                content = MemoryContent(data=b"")
            yield Entry(
                name=path.relative_to(folder).as_posix(),
                kind=stat.S_IFMT(status.st_mode),
                mode=status.st_mode & 0o777,
                has_mode=HAS_MODES,
                size=0 if stat.S_ISDIR(status.st_mode) else status.st_size,
                content=content,
            )


def _raise(error: OSError) -> None:
    raise error
