"""What goes into a zip: a name, a mode, and where the bytes come from."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import deflate

from shim.errors import InputError
from shim.package.contents import FileContent, Unreadable, ZipContent

if TYPE_CHECKING:
    from shim.arch import Arch
    from shim.package.read import Entry as PackedEntry


class Source(Protocol):
    """A file as it was when it was looked at: the archive gets that or nothing."""

    @property
    def path(self) -> Path:
        """Where the user finds it."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def crc32(self) -> int:
        """What the zip says of it; this, and the size, are what tells that a file changed."""

    def content(self) -> bytes:
        """All of it, and a byte more of a file that grew. Raises `InputError`."""

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end. Raises `InputError`."""


def is_same(one: Source, other: Source) -> bool:
    """Whether both have the same bytes; they are read where size and CRC-32 leave it open."""
    sums = (one.size, one.crc32), (other.size, other.crc32)
    return one is other or (sums[0] == sums[1] and one.content() == other.content())


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSource:
    """A file on disk; see `Source`."""

    path: Path
    size: int
    crc32: int

    def content(self) -> bytes:
        """See `Source`."""
        return self.read(0, self.size + 1)

    def read(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            raise InputError(f"can't read it, {error.strerror}: `{self.path}`") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedSource:
    """An entry of a package that was read; see `Source`."""

    path: Path
    """As it is shown: `a.zip!/name`."""
    size: int
    crc32: int
    entry: PackedEntry

    @classmethod
    def of(cls, entry: PackedEntry) -> PackedSource:
        """An entry as it is now. Raises `InputError`."""
        path = _shown(entry)
        crc32 = entry.crc32
        if crc32 is None:
            crc32 = deflate.crc32(_whole(entry, path))
        return cls(path=path, size=entry.size, crc32=crc32, entry=entry)

    def content(self) -> bytes:
        """See `Source`."""
        return _whole(self.entry, self.path)

    def read(self, offset: int, size: int) -> bytes:
        """See `Source`."""
        try:
            return self.entry.read(offset, size)
        except Unreadable as error:
            raise InputError(f"it can't be packed, {error}: `{self.path}`") from error


def _shown(entry: PackedEntry) -> Path:
    match entry.content:
        case ZipContent(path=path):
            return Path(f"{path}!/{entry.name}")
        case FileContent(path=path):
            return path
        case _:
            return Path(entry.name)


def _whole(entry: PackedEntry, path: Path) -> bytes:
    try:
        return entry.whole()
    except Unreadable as error:
        raise InputError(f"it can't be packed, {error}: `{path}`") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """A file for the package. Of a handler, `name` is the handler's; else it is the path."""

    name: str
    architectures: frozenset[Arch]
    """Where it runs as a handler: nowhere, if it is none."""
    mode: int
    """The permission bits."""
    source: Source
    fixed_path: str | None = None
    """Where a handler's program stays, whatever the other files are."""
    is_link: bool = False
    """Its content is then the path that it points to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of a zip. Of a symbolic link, `source` is the path that it points to."""

    name: str
    mode: int
    """Type and permissions, as in `st_mode`."""
    source: bytes | Source

    @classmethod
    def file(cls, name: str, source: bytes | Source, *, mode: int) -> Entry:
        """A regular file with the permissions `mode`."""
        return cls(name=name, mode=stat.S_IFREG | mode, source=source)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.size

    def content(self) -> bytes:
        """All of its bytes, see `Source`."""
        return self.source if isinstance(self.source, bytes) else self.source.content()


def checked_content(entry: Entry) -> bytes:
    """All of its bytes; `InputError` where its file is not any more what it was looked at."""
    content, source = entry.content(), entry.source
    if isinstance(source, bytes):
        return content
    if (len(content), deflate.crc32(content)) != (source.size, source.crc32):
        raise InputError(
            f"the file changed while it was being packed: `{source.path}`", hint="pack again"
        )
    return content


def file_entry(path: str, file: InputFile) -> Entry:
    """The file, or link, at `path`."""
    kind = stat.S_IFLNK if file.is_link else stat.S_IFREG
    return Entry(name=path, mode=kind | file.mode, source=file.source)
