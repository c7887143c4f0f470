"""Reads packages and layers without unpacking them: names, kinds, modes, and bytes on demand.

What is in a package is not trusted. Names and sizes come from the zip's directory; of the contents
only what is asked for is inflated, never past `READ_LIMIT`, and never kept.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import deflate

from shim.errors import InputError
from shim.package.kept import kept
from shim.package.names import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READ_LIMIT = 1 << 28
"""Bytes into a file that anything is read; Lambda takes 250 MB in all."""

DIRECTORY_LIMIT = 32 << 20
ENTRIES_LIMIT = 100_000
"""What a zip's directory may have: at this size it takes some 100 MB of memory."""

FOLDERS_LIMIT = 128 << 20
"""Characters that the names of all folders in a zip may have together."""

_STORED, _DEFLATED = 0, 8
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_RECORD = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _UTF8 = 1, 1 << 11
_UNIX_SYSTEMS = {3, 19}  # Unix, and macOS as Apple's archiver writes it
_CHUNK = 1 << 16
_OUTPUT = 1 << 20
_WHOLE_LIMIT = 64 << 20
"""Bytes of a file that is inflated at once, by libdeflate: docs/check.md has what was measured."""


class Unreadable(ValueError):
    """An entry's bytes can't be had: encrypted, cut off, damaged."""


class Content(Protocol):
    """Where an entry's bytes come from."""

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end. Raises `Unreadable`."""


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
    problem: str | None = None
    """Why it can't be unpacked, where the directory alone says so."""
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

    def opened(self) -> Entry:
        """The same, for reading at many places: of a zip's entry all bytes, once, if not too many.

        What can't be had whole, a damaged file, is read piece by piece as ever.
        """
        if self.problem or not isinstance(self.content, ZipContent):
            return self
        data = self.content.whole()
        return self if data is None else replace(self, content=InflatedContent(data=data))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Package:
    """A function's package or a layer: a zip's entries, or a folder's."""

    path: str
    """As the user knows it."""
    entries: tuple[Entry, ...]
    zipped: int | None = None
    """Bytes of the zip; None for a folder."""
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
        """Entries by the place that they are unpacked to, and None for folders without an entry.

        Of two at one place the later one counts; what leads out of the package is not there.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryContent:
    """Bytes at hand."""

    data: bytes

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        return self.data[offset : offset + size]


@dataclass(frozen=True, kw_only=True, slots=True)
class InflatedContent:
    """Bytes at hand, as libdeflate gives them."""

    data: bytearray

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        return bytes(self.data[offset : offset + size])


@dataclass(frozen=True, kw_only=True, slots=True)
class FileContent:
    """A file's bytes."""

    path: Path

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            raise Unreadable(f"it can't be read ({error.strerror})") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipContent:
    """An entry's bytes in a zip, inflated from the beginning each time."""

    path: Path
    header: int
    """Where its local header begins."""
    compressed: int
    size: int
    method: int
    crc32: int
    """Of all its bytes, as announced: `read` doesn't hold it against them."""

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        try:
            with self.path.open("rb", buffering=0) as file:
                start = self._data_start(file.fileno())
                if self.method == _STORED:
                    return os.pread(
                        file.fileno(), min(size, self.compressed - offset), start + offset
                    )
                return _inflate(
                    self._pieces(file.fileno(), start, first=offset + size), offset, size
                )
        except OSError as error:
            raise Unreadable(f"it can't be read ({error.strerror})") from error
        except zlib.error as error:
            raise Unreadable("its compressed data is damaged") from error

    def whole(self) -> bytearray | None:
        """All of it, if it was deflated, is as long as announced, and within the limit."""
        if self.method != _DEFLATED or max(self.size, self.compressed) > _WHOLE_LIMIT:
            return None
        try:
            with self.path.open("rb", buffering=0) as file:
                data = os.pread(file.fileno(), self.compressed, self._data_start(file.fileno()))
            return deflate.deflate_decompress(data, self.size)
        except (OSError, Unreadable, deflate.DeflateError):
            return None

    def _data_start(self, file: int) -> int:
        header = os.pread(file, _LOCAL.size, self.header)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            raise Unreadable("its header in the zip is damaged")
        *_, name_size, extra_size = _LOCAL.unpack(header)
        return self.header + _LOCAL.size + int(name_size) + int(extra_size)

    def _pieces(self, file: int, start: int, *, first: int) -> Iterator[bytes]:
        """The compressed bytes, the first piece about as long as the answer will need."""
        at, end = start, start + self.compressed
        step = min(max(first, 1 << 10), _CHUNK)
        while at < end and (piece := os.pread(file, min(step, end - at), at)):
            yield piece
            at += len(piece)
            step = _CHUNK


def _inflate(pieces: Iterator[bytes], offset: int, size: int) -> bytes:
    """`size` bytes from `offset` of the inflated `pieces`; holds no more than a chunk besides."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    wanted: list[bytes] = []
    at, end = 0, offset + size
    for piece in pieces:
        rest, is_more = piece, True
        while is_more and not inflater.eof and at < end:
            room = min(end - at, _OUTPUT)
            data = inflater.decompress(rest, room)
            if at + len(data) > offset:
                wanted.append(data[max(0, offset - at) :])
            at += len(data)
            rest = inflater.unconsumed_tail
            is_more = bool(rest) or len(data) == room
        if inflater.eof or at >= end:
            break
    return b"".join(wanted)


def read_package(path: Path) -> Package:
    """The package or layer at `path`, a zip or a folder; `InputError` where it is neither."""
    try:
        if path.is_dir():
            return Package(path=str(path), entries=tuple(_folder_entries(path)))
        size = path.stat().st_size
        with path.open("rb", buffering=0) as file:
            directory, base = _directory(file.fileno(), size)
        return Package(path=str(path), entries=_zip_entries(path, directory, base), zipped=size)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"no package can be read there, {reason}: `{path}`",
            hint="give a function's or a layer's zip, or a folder with the same files in it",
        ) from error


def _folder_entries(folder: Path) -> Iterator[Entry]:
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted(folders + files):
            path = Path(parent, name)
            status = path.lstat()
            content: Content = FileContent(path=path)
            if stat.S_ISLNK(status.st_mode):
                content = MemoryContent(data=os.fsencode(path.readlink()))
            yield Entry(
                name=str(path.relative_to(folder)),
                kind=stat.S_IFMT(status.st_mode),
                mode=status.st_mode & 0o777,
                size=0 if stat.S_ISDIR(status.st_mode) else status.st_size,
                content=content,
            )


def _raise(error: OSError) -> None:
    raise error


def _directory(file: int, size: int) -> tuple[bytes, int]:
    """A zip's directory, and how many bytes stand before the zip's own beginning.

    (APPNOTE.TXT 4.3.12 to 4.3.16.)
    """
    tail_at = max(0, size - _END.size - 0xFFFF)
    tail = os.pread(file, size - tail_at, tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise ValueError("it is no zip, or one that is cut off")
    *_, length, start, _comment = _END.unpack_from(tail, at)
    end = tail_at + at
    locator = os.pread(file, _END64_LOCATOR.size, end - _END64_LOCATOR.size) if end > 20 else b""
    if locator.startswith(b"PK\x06\x07"):
        _, _, end, _ = _END64_LOCATOR.unpack(locator)
        record = os.pread(file, _END64.size, min(end, size))
        if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
            raise ValueError("its zip64 directory is not where the zip says")
        *_, length, start = _END64.unpack(record)
    if length > DIRECTORY_LIMIT:
        raise ValueError(f"its directory of {length:,} bytes is larger than any package's")
    base = end - length - start
    if base < 0:
        raise ValueError("its directory is not where the zip says")
    directory = os.pread(file, length, base + start)
    if directory.count(b"PK\x01\x02") > ENTRIES_LIMIT:
        raise ValueError(f"it has more than {ENTRIES_LIMIT:,} entries")
    return directory, base


def _zip_entries(path: Path, directory: bytes, base: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    at = 0
    while at < len(directory):
        if at + _RECORD.size > len(directory) or directory[at : at + 4] != b"PK\x01\x02":
            raise ValueError("its directory is damaged")
        entry, at = _zip_entry(path, directory, at=at, base=base)
        entries.append(entry)
    if sum(len(entry.name) * entry.name.count("/") for entry in entries) > FOLDERS_LIMIT:
        raise ValueError("its folders are nested deeper than any package's")
    return _without_overlaps(entries)


def _without_overlaps(entries: list[Entry]) -> tuple[Entry, ...]:
    """The entries; those whose bytes are partly another's too have that as their problem."""
    overlapping, next_free = set(), 0
    places = [
        (entry.content.header, entry.content.compressed, index)
        for index, entry in enumerate(entries)
        if isinstance(entry.content, ZipContent)
    ]
    for header, compressed, index in sorted(places):
        if header < next_free:
            overlapping.add(index)
        next_free = max(next_free, header + _LOCAL.size + compressed)
    problem = "it overlaps with another entry"
    return tuple(
        replace(entry, problem=entry.problem or problem) if index in overlapping else entry
        for index, entry in enumerate(entries)
    )


def _zip_entry(path: Path, directory: bytes, *, at: int, base: int) -> tuple[Entry, int]:
    """The entry whose record is at `at` (APPNOTE.TXT 4.3.12), and where the next record is."""
    (_, made, _, flags, method, _, _, crc32, compressed, size, name_size, extra_size, comment_size,
     _, _, attributes, header) = _RECORD.unpack_from(directory, at)  # fmt: skip
    name_at = at + _RECORD.size
    extra_at = name_at + name_size
    end = extra_at + extra_size + comment_size
    if end > len(directory):
        raise ValueError("its directory is damaged")
    raw = directory[name_at:extra_at].partition(b"\0")[0]
    name = raw.decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape")
    extra = directory[extra_at : extra_at + extra_size]
    size, compressed, header = _zip64_sizes(extra, size, compressed, header)
    has_mode = made >> 8 in _UNIX_SYSTEMS
    mode = attributes >> 16 if has_mode else 0
    is_folder = name.endswith("/")
    problem = None
    if flags & _ENCRYPTED:
        problem = "it is encrypted"
    elif method not in {_STORED, _DEFLATED}:
        problem = f"it is compressed by method {method}, neither stored nor deflated"
    entry = Entry(
        name=name,
        kind=stat.S_IFMT(mode) or (stat.S_IFDIR if is_folder else stat.S_IFREG),
        # Zips made on Windows know no modes.
        mode=mode & 0o777 or (0o755 if is_folder else 0o644),
        size=size,
        content=ZipContent(
            path=path,
            header=base + header,
            compressed=compressed,
            size=size,
            method=method,
            crc32=crc32,
        ),
        problem=problem,
        has_mode=has_mode,
    )
    return entry, end


def _zip64_sizes(extra: bytes, *numbers: int) -> tuple[int, int, int]:
    """Size, compressed size and place; the extra field 1 has those that need 64 bits."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            wide = struct.iter_unpack("<Q", field[: len(field) // 8 * 8])
            numbers = tuple(
                next(wide, (number,))[0] if number == 0xFFFFFFFF else number for number in numbers
            )
            break
        at += 4 + length
    size, compressed, header = numbers
    return size, compressed, header
