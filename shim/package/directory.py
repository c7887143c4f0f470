"""Reads a zip's directory, and holds each entry's own header against it (APPNOTE.TXT, 4.3 and 4.4).

What is in a zip is not trusted, and not every reader reads it alike: docs/reference/packages.md has
what other unpackers do of what is called a problem or a doubt here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shim.files import read_at
from shim.package.zip_end import read_end
from shim.package.zip_record import DESCRIPTOR, ENCRYPTED, WIDE, Record, read_records

DIRECTORY_LIMIT = 32 << 20
ENTRIES_LIMIT = 100_000
"""What a zip's directory may have: at this size it takes some 100 MB of memory."""

NAMES_LIMIT = 128 << 20
"""Characters that the names of all folders in a zip may have together."""

_LOCAL = struct.Struct("<4s5H3L2H")


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """A zip's directory."""

    records: tuple[Record, ...]
    problem: str | None = None
    """Why other unpackers refuse the zip as a whole."""
    doubt: str | None = None
    """What they warn of."""


def read_directory(file: int, size: int) -> Directory:
    """The directory of the zip of `size` bytes; raises `ValueError` where there is none."""
    end = read_end(file, size)
    if end.length > DIRECTORY_LIMIT:
        raise ValueError(f"its directory of {end.length:,} bytes is larger than any package's")
    if end.base < 0:
        raise ValueError("its directory is not where the zip says")
    data = read_at(file, end.length, end.base + end.start)
    if data.count(b"PK\x01\x02") > ENTRIES_LIMIT:
        raise ValueError(f"it has more than {ENTRIES_LIMIT:,} entries")
    records = list(read_records(data, end.base))
    if sum(len(one.name) * one.name.count("/") for one in records) > NAMES_LIMIT:
        raise ValueError("its folders are nested deeper than any package's")
    for record in records:
        _read_header(file, record)
    _find_overlaps(records, limit=end.base + end.start)
    return Directory(
        records=tuple(records),
        problem=end.problem(len(records)),
        doubt=end.doubt,
    )


def _read_header(file: int, record: Record) -> None:
    """Note where the entry's bytes begin, and what its own header says against the directory."""
    raw_name = record.raw_name
    header = read_at(file, _LOCAL.size + len(raw_name), record.header)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        record.problem = record.problem or "its header in the zip is damaged"
        return
    _, _, flags, method, _, _, crc32, compressed, size, name_size, extra_size = _LOCAL.unpack_from(
        header
    )
    record.start = record.header + _LOCAL.size + name_size + extra_size
    # With a descriptor they stand behind the bytes, and wide ones in an extra field.
    is_elsewhere = bool(flags & DESCRIPTOR)
    differing = None
    if name_size != len(raw_name) or header[_LOCAL.size :] != raw_name:
        differing = "name"
    elif method != record.method:
        differing = "method"
    elif (flags ^ record.flags) & (ENCRYPTED | DESCRIPTOR):
        differing = "set of flags"
    elif not is_elsewhere and crc32 != record.crc32:
        differing = "CRC-32"
    elif not is_elsewhere and size not in {record.size, WIDE}:
        differing = "size"
    elif not is_elsewhere and compressed not in {record.compressed, WIDE}:
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
