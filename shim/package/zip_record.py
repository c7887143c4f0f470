"""Reads the records of a zip's directory, one for each entry (APPNOTE.TXT, 4.3.12 and 4.5)."""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.package.contents import DEFLATED, STORED
from shim.package.names import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCRYPTED, DESCRIPTOR = 1, 1 << 3
"""Flags of an entry."""

WIDE = 0xFFFFFFFF
"""Stands for a number that needs 64 bits, and is in an extra field."""

_UTF8 = 1 << 11
_RECORD = struct.Struct("<4s6H3L5H2L")
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


def read_records(data: bytes, base: int) -> Iterator[Record]:
    """The records of a directory; raises `ValueError` where it is damaged."""
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
    if WIDE in {size, compressed, header}:
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
    if flags & ENCRYPTED:
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
        next(wide, (number,))[0] if number == WIDE else number for number in numbers
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
