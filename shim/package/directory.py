"""Reads a zip's directory, and holds each entry's own header against it (APPNOTE.TXT, 4.3 and 4.4).

What is in a zip is not trusted, and not every reader reads it alike: docs/packages.md has what
other unpackers do of what is called a problem or a doubt here.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.package.contents import DEFLATED, STORED
from shim.package.names import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTORY_LIMIT = 32 << 20
ENTRIES_LIMIT = 100_000
"""What a zip's directory may have: at this size it takes some 100 MB of memory."""

NAMES_LIMIT = 128 << 20
"""Characters that the names of all folders in a zip may have together."""

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_RECORD = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 1, 1 << 3, 1 << 11
_WIDE = 0xFFFFFFFF
_WIDE_FIELD, _NAME_FIELD = 1, 0x7075
_UNIX = 3
"""Who made the entry: for this one alone the upper half of the attributes is a mode."""

_NEEDED = 46
"""The version of the format that Info-ZIP's unzip reads."""


@dataclass(kw_only=True, slots=True)
class Record:
    """What a zip says of one of its entries; not frozen, there are thousands to be made."""

    name: str
    raw_name: bytes
    kind: int
    mode: int
    has_mode: bool
    flags: int
    method: int
    crc32: int
    compressed: int
    size: int
    header: int
    """Where in the file the entry's own header begins."""
    start: int = 0
    """Where its bytes do."""
    problem: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """A zip's directory."""

    records: tuple[Record, ...]
    problem: str | None = None
    """Why other unpackers refuse the zip as a whole."""
    doubt: str | None = None
    """What they warn of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """What stands at a zip's end."""

    at: int
    """Where in the file the directory ends."""
    count: int
    length: int
    start: int
    is_wide: bool
    is_cut: bool
    is_part: bool


def read_directory(file: int, size: int) -> Directory:
    """The directory of the zip of `size` bytes; raises `ValueError` where there is none."""
    end = _read_end(file, size)
    base = end.at - end.length - end.start
    if end.length > DIRECTORY_LIMIT:
        raise ValueError(f"its directory of {end.length:,} bytes is larger than any package's")
    if base < 0:
        raise ValueError("its directory is not where the zip says")
    data = os.pread(file, end.length, base + end.start)
    if data.count(b"PK\x01\x02") > ENTRIES_LIMIT:
        raise ValueError(f"it has more than {ENTRIES_LIMIT:,} entries")
    records = list(_records(data, base))
    if sum(len(one.name) * one.name.count("/") for one in records) > NAMES_LIMIT:
        raise ValueError("its folders are nested deeper than any package's")
    for record in records:
        _read_header(file, record)
    _find_overlaps(records, limit=base + end.start)
    return Directory(
        records=tuple(records),
        problem=_problem(end, len(records)),
        doubt=_doubt(end, base),
    )


def _read_end(file: int, size: int) -> _End:
    tail_at = max(0, size - _END.size - 0xFFFF)
    tail = os.pread(file, size - tail_at, tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise ValueError("it is not a zip, or it is cut off")
    _, disk, first, here, count, length, start, comment = _END.unpack_from(tail, at)
    is_cut = at + _END.size + comment > len(tail)
    is_part = (disk, first) not in {(0, 0), (0xFFFF, 0xFFFF)} or here != count
    end, is_wide = tail_at + at, False
    found = os.pread(file, _END64_LOCATOR.size, end - _END64_LOCATOR.size) if end > 20 else b""
    if found.startswith(b"PK\x06\x07"):
        *_, wide_at, _ = _END64_LOCATOR.unpack(found)
        # Bytes in front of the zip move it: then it is where it always is, before the locator.
        end, record = _read_wide_end(
            file, [min(wide_at, size), end - _END64_LOCATOR.size - _END64.size]
        )
        *_, count, length, start = _END64.unpack(record)
        is_wide = True
    return _End(
        at=end,
        count=count,
        length=length,
        start=start,
        is_wide=is_wide,
        is_cut=is_cut,
        is_part=is_part,
    )


def _read_wide_end(file: int, offsets: list[int]) -> tuple[int, bytes]:
    for offset in offsets:
        record = os.pread(file, _END64.size, max(0, offset))
        if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
            return offset, record
    raise ValueError("its zip64 directory is not where the zip says")


def _problem(end: _End, count: int) -> str | None:
    # Without zip64's numbers some tools count on from 0.
    if end.count != (count if end.is_wide else count & 0xFFFF):
        return f"it has {count:,} entries, and says {end.count:,}"
    return "its comment is cut off" if end.is_cut else None


def _doubt(end: _End, base: int) -> str | None:
    if base:
        return f"{base:,} bytes stand before the zip's own beginning"
    return "it says that it is one part of several" if end.is_part else None


def _records(data: bytes, base: int) -> Iterator[Record]:
    at = 0
    while at < len(data):
        if at + _RECORD.size > len(data) or data[at : at + 4] != b"PK\x01\x02":
            raise ValueError("its directory is damaged")
        record, at = _record(data, at=at, base=base)
        yield record


def _record(data: bytes, *, at: int, base: int) -> tuple[Record, int]:
    """The record at `at`, and where the next one is."""
    (_, made, needed, flags, method, _, _, crc32, compressed, size, name_size, extra_size,
     comment_size, _, _, attributes, header) = _RECORD.unpack_from(data, at)  # fmt: skip
    name_at = at + _RECORD.size
    extra_at = name_at + name_size
    end = extra_at + extra_size + comment_size
    if end > len(data):
        raise ValueError("its directory is damaged")
    raw_name = data[name_at:extra_at]
    extra = data[extra_at : extra_at + extra_size]
    if _WIDE in {size, compressed, header}:
        size, compressed, header = _wide_numbers(extra, size, compressed, header)
    has_mode = made >> 8 == _UNIX
    name = _name(raw_name, extra, flags, is_unix=has_mode)
    mode = attributes >> 16
    is_folder = name.endswith("/")
    kind = stat.S_IFDIR if is_folder else stat.S_IFREG
    if has_mode and not is_folder:
        kind = stat.S_IFMT(mode) or kind
    record = Record(
        name=name,
        raw_name=raw_name,
        kind=kind,
        mode=mode & 0o777 if has_mode else 0o755 if is_folder else 0o644,
        has_mode=has_mode,
        flags=flags,
        method=method,
        crc32=crc32,
        compressed=compressed,
        size=size,
        header=base + header,
        problem=_entry_problem(flags, method, size=size, compressed=compressed, crc32=crc32)
        or (None if parts_of(name) or is_folder else "it has no name"),
        doubt=f"it needs version {needed / 10:.1f} of the format" if needed > _NEEDED else None,
    )
    return record, end


def _entry_problem(
    flags: int, method: int, *, size: int, compressed: int, crc32: int
) -> str | None:
    """Why it can't be unpacked, as its record alone says."""
    if flags & _ENCRYPTED:
        return "it is encrypted"
    if method not in {STORED, DEFLATED}:
        return f"it is compressed by method {method}, neither stored nor deflated"
    if method == STORED and size != compressed:
        return f"it is stored, and has two sizes, {size:,} and {compressed:,}"
    # One content in four thousand million has this CRC-32.
    return f"its CRC-32 is 0, and it has {size:,} bytes" if size and not crc32 else None


def _name(raw: bytes, extra: bytes, flags: int, *, is_unix: bool) -> str:
    """As Info-ZIP's unzip reads it: what was made on Unix without a flag is bytes, as they are."""
    field = _extra_field(extra, _NAME_FIELD)
    if field[:5] == b"\1" + zlib.crc32(raw).to_bytes(4, "little"):
        raw, flags = field[5:], _UTF8
    encoding = "utf-8" if is_unix or flags & _UTF8 else "cp437"
    return raw.partition(b"\0")[0].decode(encoding, "surrogateescape")


def _wide_numbers(extra: bytes, *numbers: int) -> tuple[int, int, int]:
    """Size, compressed size and offset; the extra field 1 has those that need 64 bits."""
    field = _extra_field(extra, _WIDE_FIELD)
    wide = struct.iter_unpack("<Q", field[: len(field) // 8 * 8])
    size, compressed, header = (
        next(wide, (number,))[0] if number == _WIDE else number for number in numbers
    )
    return size, compressed, header


def _extra_field(extra: bytes, wanted: int) -> bytes:
    """What an extra field has; nothing where there is none."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == wanted:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _read_header(file: int, record: Record) -> None:
    """Note where the entry's bytes begin, and what its own header says against the directory."""
    raw_name = record.raw_name
    header = os.pread(file, _LOCAL.size + len(raw_name), record.header)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        record.problem = record.problem or "its header in the zip is damaged"
        return
    _, _, flags, method, _, _, crc32, compressed, size, name_size, extra_size = _LOCAL.unpack_from(
        header
    )
    record.start = record.header + _LOCAL.size + name_size + extra_size
    # With a descriptor they stand behind the bytes, and wide ones in an extra field.
    is_elsewhere = bool(flags & _DESCRIPTOR)
    differing = None
    if name_size != len(raw_name) or header[_LOCAL.size :] != raw_name:
        differing = "name"
    elif method != record.method:
        differing = "method"
    elif (flags ^ record.flags) & (_ENCRYPTED | _DESCRIPTOR):
        differing = "set of flags"
    elif not is_elsewhere and crc32 != record.crc32:
        differing = "CRC-32"
    elif not is_elsewhere and size not in {record.size, _WIDE}:
        differing = "size"
    elif not is_elsewhere and compressed not in {record.compressed, _WIDE}:
        differing = "compressed size"
    if differing and not record.problem:
        record.problem = f"its {differing} is another in its own header"


def _find_overlaps(records: list[Record], *, limit: int) -> None:
    """Note which entries' bytes are partly something else's too."""
    next_free = 0
    for record in sorted(records, key=lambda record: record.header):
        end = max(record.start, record.header + _LOCAL.size) + record.compressed
        if (record.header < next_free or end > limit) and not record.problem:
            record.problem = "it overlaps with another entry, or with the directory"
        next_free = max(next_free, end)
