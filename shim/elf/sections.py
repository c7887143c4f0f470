"""An ELF file's sections, which only linkers and debuggers read: nothing that runs needs them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.elf.header import HEADER_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shim.elf.header import Read

_PLACE_AT, _SHAPE_AT = 40, 58
_SECTION = struct.Struct("<2I4Q2I2Q")  # Elf64_Shdr
_PROGBITS, _SYMBOLS = 1, 2
_ALLOCATED = 2
_NAME_LIMIT = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A section header, with its name where that was read."""

    name: bytes
    kind: int
    flags: int
    offset: int
    size: int
    link: int


def read_sections(read: Read, *, names: bool = False) -> tuple[Section, ...]:
    """The sections of a 64-bit, little-endian file; empty where they are gone or not all there."""
    header = read(0, HEADER_SIZE)
    (place,) = struct.unpack_from("<Q", header, _PLACE_AT)
    entry_size, count, names_at = struct.unpack_from("<3H", header, _SHAPE_AT)
    table = read(place, count * _SECTION.size) if entry_size == _SECTION.size else b""
    if not count or len(table) < count * _SECTION.size:
        return ()
    found = [
        (name, Section(name=b"", kind=kind, flags=flags, offset=offset, size=size, link=link))
        for name, kind, flags, _, offset, size, link, *_ in _SECTION.iter_unpack(table)
    ]
    if not names or names_at >= count:
        return tuple(section for _, section in found)
    base = found[names_at][1].offset
    return tuple(
        replace(section, name=read(base + at, _NAME_LIMIT).partition(b"\0")[0])
        for at, section in found
    )


def strippable_bytes(sections: Iterable[Section]) -> int:
    """Bytes of symbols and debug information: what `strip` would take away."""
    sections = tuple(sections)
    strings = {one.link for one in sections if one.kind == _SYMBOLS}
    return sum(
        one.size
        for index, one in enumerate(sections)
        if one.kind == _SYMBOLS
        or index in strings
        or (one.kind == _PROGBITS and not one.flags & _ALLOCATED)
    )
