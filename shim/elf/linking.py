"""What an ELF file asks of the dynamic linker: libraries, symbol versions; and what it offers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.elf.header import DYNAMIC, ElfInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.elf.header import ElfStart, Read

_NEED, _NEED_NAME, _DEFINITION = "HHIII", "IHHII", "HHHHIII"  # Verneed, Vernaux, Verdef
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 14, 15, 29
_DT_DEBUG = 21
_DT_FLAGS_1, _DF_1_PIE = 0x6FFFFFFB, 0x08000000
_DT_VERSYM, _DT_VERDEF, _DT_VERNEED = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE
_WEAK = 2
_DYNAMIC_LIMIT = 1 << 20
_STRINGS_LIMIT = 64 << 20
"""Read at once: of a large zip entry each read inflates all that comes before. GHC's programs,
which export every function, have tables of some 36 MB."""

_VERSIONS_SIZE = 1 << 16
_VERSIONS_LIMIT = 10_000
_STRING_LIMIT = 1 << 16
_NEEDED_LIMIT = 256
"""Libraries that one file needs directly; the largest desktop programs name some hundred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Linking:
    """What a file's dynamic section says."""

    needed: tuple[str, ...]
    run_path: str | None
    old_run_path: str | None
    """`DT_RPATH`, which counts where there is no `DT_RUNPATH`."""
    soname: str | None
    is_program: bool
    """Whether its linker made a program of it, position-independent: GNU ld, gold, lld and mold all
    give programs a `DT_DEBUG` and no library; newer ones say it by `DF_1_PIE` too. Neither a SONAME
    nor an interpreter tells: libc.so.6 has both."""
    versions: Mapping[str, frozenset[str]]
    """By library, the symbol versions that must be there."""
    defines: frozenset[str]
    """The symbol versions that it has itself."""
    has_versions: bool
    """Whether its symbols have versions at all."""


def read_linking(start: ElfStart, read: Read) -> Linking | None:
    """What the dynamic section says, or None where there is none; `ElfInvalid` for nonsense."""
    tags = _tags(start, read)
    if tags is None:
        return None
    if len(tags.get(_DT_NEEDED, ())) > _NEEDED_LIMIT:
        raise ElfInvalid("it needs more libraries than any program does")
    strings = _strings(start, read, tags)
    return Linking(
        needed=tuple(strings.at(value) for value in tags.get(_DT_NEEDED, ())),
        run_path=strings.last(tags.get(_DT_RUNPATH)),
        old_run_path=strings.last(tags.get(_DT_RPATH)),
        soname=strings.last(tags.get(_DT_SONAME)),
        is_program=_DT_DEBUG in tags or bool(tags.get(_DT_FLAGS_1, [0])[-1] & _DF_1_PIE),
        versions=_needed_versions(
            _table(start, read, tags.get(_DT_VERNEED)), strings, order=start.order
        ),
        has_versions=_DT_VERSYM in tags,
        defines=_defined_versions(
            _table(start, read, tags.get(_DT_VERDEF)), strings, order=start.order
        ),
    )


@dataclass(frozen=True, slots=True)
class _Strings:
    data: bytes

    def at(self, offset: int) -> str:
        end = self.data.find(b"\0", offset, offset + _STRING_LIMIT)
        if not 0 <= offset < len(self.data) or end < 0:
            raise ElfInvalid("its dynamic section names an offset outside its table of strings")
        return self.data[offset:end].decode(errors="surrogateescape")

    def last(self, offsets: list[int] | None) -> str | None:
        return self.at(offsets[-1]) if offsets else None


def _tags(start: ElfStart, read: Read) -> dict[int, list[int]] | None:
    """The dynamic section's values by tag; of those that are there twice, the last one counts.

    (glibc, elf/get-dynamic-info.h.)
    """
    *_, section = None, *start.segments_of(DYNAMIC)
    if section is None:
        return None
    if section.file_size > _DYNAMIC_LIMIT:
        raise ElfInvalid("its dynamic section is larger than any linker makes one")
    form = struct.Struct(start.order + ("qQ" if start.is_64_bit else "iI"))  # Elf64_Dyn
    table = _exactly(read, section.offset, section.file_size // form.size * form.size)
    tags: dict[int, list[int]] = {}
    for tag, value in form.iter_unpack(table):
        if tag == 0:
            break
        tags.setdefault(tag, []).append(value)
    return tags


def _exactly(read: Read, at: int, size: int) -> bytes:
    data = read(at, size)
    if len(data) < size:
        raise ElfInvalid("the file ends before what its headers announce")
    return data


def _strings(start: ElfStart, read: Read, tags: Mapping[int, list[int]]) -> _Strings:
    if _DT_STRTAB not in tags or _DT_STRSZ not in tags:
        return _Strings(b"")
    size = tags[_DT_STRSZ][-1]
    if size > _STRINGS_LIMIT:
        raise ElfInvalid("its table of strings is larger than any linker makes one")
    return _Strings(_exactly(read, start.offset_of(tags[_DT_STRTAB][-1]), size))


def _table(start: ElfStart, read: Read, address: list[int] | None) -> bytes:
    return read(start.offset_of(address[-1]), _VERSIONS_SIZE) if address else b""


def _needed_versions(table: bytes, strings: _Strings, *, order: str) -> dict[str, frozenset[str]]:
    need, name = struct.Struct(order + _NEED), struct.Struct(order + _NEED_NAME)
    versions: dict[str, frozenset[str]] = {}
    left = _VERSIONS_LIMIT
    for _, count, file, first, at in _chain(table, need, next_field=4):
        left -= count
        if left < 0:
            raise ElfInvalid("it asks for more symbol versions than any library has")
        names = _chain(table[at + first :], name, next_field=4, count=count)
        library = strings.at(file)
        wanted = frozenset(strings.at(one[3]) for one in names if not one[1] & _WEAK)
        versions[library] = versions.get(library, frozenset()) | wanted
    return versions


def _defined_versions(table: bytes, strings: _Strings, *, order: str) -> frozenset[str]:
    definition, number = struct.Struct(order + _DEFINITION), struct.Struct(order + "I")
    return frozenset(
        strings.at(number.unpack_from(table, at + first)[0])
        for *_, first, at in _chain(table, definition, next_field=6)
        if at + first + number.size <= len(table)
    )


def _chain(
    table: bytes, form: struct.Struct, *, next_field: int, count: int = 1 << 12
) -> Iterator[tuple[int, ...]]:
    """The records of a linked list; a record's own offset stands for its step to the next."""
    at = 0
    for _ in range(count):
        if at + form.size > len(table):
            return
        fields = form.unpack_from(table, at)
        yield (*fields[:next_field], at)
        if fields[next_field] == 0:
            return
        at += fields[next_field]
