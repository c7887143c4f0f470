"""An ELF file's sections, which only linkers and debuggers read: nothing that runs needs them.

Of 64-bit, little-endian files; there may be none, or not all of them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from shim.elf.header import HEADER_SIZE

if TYPE_CHECKING:
    from shim.elf.header import Read

_PLACE_AT, _SHAPE_AT = 40, 58
_SECTION = struct.Struct("<2I4Q2I2Q")  # Elf64_Shdr
_PROGBITS, _SYMBOLS = 1, 2
_ALLOCATED = 2
_COUNT_LIMIT = 1 << 10


def strippable_bytes(read: Read) -> int:
    """Bytes of symbols and debug information: what `strip` would take away."""
    sections, _ = _sections(read)
    strings = {link for _, kind, *_, link, _, _, _ in sections if kind == _SYMBOLS}
    return sum(
        size
        for index, (_, kind, flags, _, _, size, *_) in enumerate(sections)
        if kind == _SYMBOLS or index in strings or (kind == _PROGBITS and not flags & _ALLOCATED)
    )


def section_offset(read: Read, name: bytes) -> int | None:
    """Where in the file the section of that name begins."""
    sections, names = _sections(read)
    if names >= len(sections):
        return None
    base, wanted = sections[names][4], name + b"\0"
    found = (one[4] for one in sections if read(base + one[0], len(wanted)) == wanted)
    return next(found, None)


def _sections(read: Read) -> tuple[list[tuple[int, ...]], int]:
    """The headers' fields, and which of them has the names."""
    header = read(0, HEADER_SIZE)
    (place,) = struct.unpack_from("<Q", header, _PLACE_AT)
    size, count, names = struct.unpack_from("<3H", header, _SHAPE_AT)
    is_sound = size == _SECTION.size and count <= _COUNT_LIMIT
    table = read(place, count * size) if is_sound else b""
    return list(_SECTION.iter_unpack(table)) if len(table) == count * size else [], names
