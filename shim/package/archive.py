"""Writes zips: the same entries give the same bytes."""

from __future__ import annotations

import struct
from typing import IO, TYPE_CHECKING

from shim.errors import InputError
from shim.package.compress import Compressed, compress_entries
from shim.package.limits import format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shim.package.entry import Entry

LARGEST = 1 << 30
"""Bytes, unpacked, that are packed at all: four times what Lambda takes. Memory is bounded by it,
and no number in the zip needs 64 bits."""

MOST_ENTRIES = 0xFFFF
"""What a zip without 64-bit fields can count."""

# APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16.
_LOCAL = struct.Struct("<4s5H3L2H")
_RECORD = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20
_UNIX = 3 << 8  # "version made by": the upper half of the external attributes is a Unix mode
_UTF8 = 1 << 11
_STORED, _DEFLATED = 0, 8
_TIME, _DATE = 0, 1 << 5 | 1  # 1980-01-01, the earliest that a zip can hold


def write_archive(
    file: IO[bytes], entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Write the entries, sorted by name, as a zip.

    `progress` hears of each entry's bytes.
    """
    entries = sorted(entries, key=lambda entry: entry.name)
    _check_sizes(entries)
    directory, offset = bytearray(), 0
    for compressed in compress_entries(entries):
        directory += _record(compressed, offset=offset)
        offset += file.write(_local_header(compressed)) + file.write(compressed.data)
        progress(compressed.entry.size)
    file.write(directory)
    count = len(entries)
    file.write(_END.pack(b"PK\5\6", 0, 0, count, count, len(directory), offset, 0))


def _check_sizes(entries: list[Entry]) -> None:
    total = sum(entry.size for entry in entries)
    if total > LARGEST:
        raise InputError(
            f"too large for a package, {format_size(total)} unzipped: Lambda takes a quarter of"
            f" {format_size(LARGEST)}",
            hint="leave out what the handlers don't need",
        )
    if len(entries) > MOST_ENTRIES:
        raise InputError(
            f"too many files for a zip that everybody reads: {len(entries):,} of {MOST_ENTRIES:,}",
            hint="leave out what the handlers don't need",
        )


def _local_header(compressed: Compressed) -> bytes:
    fields = _common_fields(compressed)
    return _LOCAL.pack(b"PK\3\4", *fields, 0) + compressed.entry.name.encode()


def _record(compressed: Compressed, *, offset: int) -> bytes:
    fields, attributes = _common_fields(compressed), compressed.entry.mode << 16
    record = _RECORD.pack(b"PK\1\2", _UNIX | _VERSION, *fields, 0, 0, 0, 0, attributes, offset)
    return record + compressed.entry.name.encode()


def _common_fields(compressed: Compressed) -> tuple[int, ...]:
    """From the version that a reader needs to the length of the name."""
    name = compressed.entry.name
    flags = 0 if name.isascii() else _UTF8
    method = _DEFLATED if compressed.is_deflated else _STORED
    sizes = len(compressed.data), compressed.entry.size
    return (_VERSION, flags, method, _TIME, _DATE, compressed.crc32, *sizes, len(name.encode()))
