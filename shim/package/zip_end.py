"""Reads what stands at a zip's end, and says where its directory is (APPNOTE.TXT, 4.3.14 to 16)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shim.files import read_at

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """What stands at a zip's end."""

    at: int
    """Where in the file the directory ends."""
    count: int
    length: int
    start: int
    is_wide: bool
    is_cut: bool
    is_part: bool

    @property
    def base(self) -> int:
        """How many bytes stand before the zip's own beginning."""
        return self.at - self.length - self.start

    def problem(self, count: int) -> str | None:
        """Why other unpackers refuse a zip with this end and as many entries."""
        # Without zip64's numbers some tools count on from 0.
        if self.count != (count if self.is_wide else count & 0xFFFF):
            return f"it has {count:,} entries, and says {self.count:,}"
        return "its comment is cut off" if self.is_cut else None

    @property
    def doubt(self) -> str | None:
        """What they warn of."""
        if self.base:
            return f"{self.base:,} bytes stand before the zip's own beginning"
        return "it says that it is one part of several" if self.is_part else None


def read_end(file: int, size: int) -> End:
    """The end of the zip of `size` bytes; raises `ValueError` where there is none."""
    tail_at = max(0, size - _END.size - 0xFFFF)
    tail = read_at(file, size - tail_at, tail_at)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise ValueError("it is not a zip, or it is cut off")
    _, disk, first, here, count, length, start, comment = _END.unpack_from(tail, at)
    is_cut = at + _END.size + comment > len(tail)
    is_part = (disk, first) not in {(0, 0), (0xFFFF, 0xFFFF)} or here != count
    end, is_wide = tail_at + at, False
    found = read_at(file, _END64_LOCATOR.size, end - _END64_LOCATOR.size) if end > 20 else b""
    if found.startswith(b"PK\x06\x07"):
        *_, wide_at, _ = _END64_LOCATOR.unpack(found)
        # Bytes in front of the zip move it: then it is where it always is, before the locator.
        end, record = _read_wide_end(
            file, [min(wide_at, size), end - _END64_LOCATOR.size - _END64.size]
        )
        *_, count, length, start = _END64.unpack(record)
        is_wide = True
    return End(
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
        record = read_at(file, _END64.size, max(0, offset))
        if len(record) == _END64.size and record.startswith(b"PK\x06\x06"):
            return offset, record
    raise ValueError("its zip64 directory is not where the zip says")
