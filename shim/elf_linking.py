"""Reads what an ELF file asks of the dynamic linker: interpreter, libraries, symbol versions.

Everything is read at places that the headers name, from whatever can give bytes at a place; a file
that names nonsense gives `ElfInvalid`. Numbers are those of the ELF gABI and, for symbol versions,
of the Linux Standard Base (Core, "Symbol Versioning").
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.elf import HEADER_SIZE, MAGIC, ElfInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Read = Callable[[int, int], bytes]

START_SIZE = 4096
"""Bytes of a file that hold its headers, and whatever else is wanted of most programs."""

EXECUTABLE, SHARED = 2, 3

_CLASS_64, _LITTLE_ENDIAN = 2, 1
_LOAD, _DYNAMIC, _INTERPRETER = 1, 2, 3
_EXECUTE = 1
_SEGMENT = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
_TAG = struct.Struct("<qQ")  # Elf64_Dyn
_NEED, _NEED_NAME = struct.Struct("<HHIII"), struct.Struct("<IHHII")  # Verneed, Vernaux
_DEFINITION = struct.Struct("<HHHHIII")  # Verdef
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 14, 15, 29
_DT_FLAGS_1, _DF_1_PIE = 0x6FFFFFFB, 0x08000000
_DT_VERSYM, _DT_VERDEF, _DT_VERNEED = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE
_WEAK = 2
_TABLE_LIMIT = 16 << 20
_VERSIONS_SIZE = 1 << 16
_VERSIONS_LIMIT = 10_000
_PATH_LIMIT = 4096
_NEEDED_LIMIT = 256
"""Libraries that one file needs directly; the largest desktop programs name some hundred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfStart:
    """An ELF file's header and segments, as the kernel reads them."""

    is_64_bit: bool
    is_little_endian: bool
    system: int
    """`EI_OSABI`: 0 and 3 are Linux; the kernel doesn't look."""
    type: int
    machine: int
    entry: int
    segments: tuple[Segment, ...]
    """Empty where there are none, or the kernel would not take them."""
    interpreter: str | None
    interpreter_is_broken: bool
    end: int
    """How many bytes the file must have so that all that is mapped is there."""

    @property
    def has_entry(self) -> bool:
        """Whether the entry lies in something that is mapped to be executed."""
        return any(
            segment.kind == _LOAD
            and segment.flags & _EXECUTE
            and segment.address <= self.entry < segment.address + segment.file_size
            for segment in self.segments
        )

    @property
    def is_dynamic(self) -> bool:
        """Whether there is a dynamic section."""
        return any(segment.kind == _DYNAMIC for segment in self.segments)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A program header."""

    kind: int
    flags: int
    offset: int
    address: int
    file_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Linking:
    """What a file's dynamic section says."""

    needed: tuple[str, ...]
    run_path: str | None
    old_run_path: str | None
    """`DT_RPATH`, which counts where there is no `DT_RUNPATH`."""
    soname: str | None
    is_pie: bool
    versions: Mapping[str, frozenset[str]]
    """By library, the symbol versions that must be there."""
    defines: frozenset[str]
    """The symbol versions that it has itself."""
    has_versions: bool
    """Whether its symbols have versions at all."""


def read_start(read: Read) -> ElfStart:
    """The header, segments and interpreter; `ElfInvalid` where the header itself is cut off."""
    start = read(0, START_SIZE)
    if not start.startswith(MAGIC):
        raise ElfInvalid("no ELF header")
    if len(start) < HEADER_SIZE:
        raise ElfInvalid("the ELF header is cut off")
    kind, machine, _, entry, at = struct.unpack_from("<HHIQQ", start, 16)
    size, count = struct.unpack_from("<HH", start, 54)
    segments: tuple[Segment, ...] = ()
    if size == _SEGMENT.size and 0 < count * size <= 1 << 16:
        table = _read_from(start, read, at=at, size=count * size)
        if len(table) == count * size:
            segments = tuple(_segments(table))
    interpreter, is_broken = _interpreter(start, read, segments)
    return ElfStart(
        is_64_bit=start[4] == _CLASS_64,
        is_little_endian=start[5] == _LITTLE_ENDIAN,
        system=start[7],
        type=kind,
        machine=machine,
        entry=entry,
        segments=segments,
        interpreter=interpreter,
        interpreter_is_broken=is_broken,
        end=max((one.offset + one.file_size for one in segments if one.kind == _LOAD), default=0),
    )


def read_linking(start: ElfStart, read: Read) -> Linking | None:
    """What the dynamic section says, or None where there is none; `ElfInvalid` for nonsense."""
    section = next((one for one in start.segments if one.kind == _DYNAMIC), None)
    if section is None:
        return None
    if section.file_size > _TABLE_LIMIT:
        raise ElfInvalid("its dynamic section is larger than any linker makes one")
    tags: dict[int, list[int]] = {}
    for tag, value in _TAG.iter_unpack(_whole(_exactly(read, section.offset, section.file_size))):
        if tag == 0:
            break
        tags.setdefault(tag, []).append(value)
    if len(tags.get(_DT_NEEDED, ())) > _NEEDED_LIMIT:
        raise ElfInvalid("it needs more libraries than any program does")
    strings = _strings(start, read, tags)
    return Linking(
        needed=tuple(strings.at(value) for value in tags.get(_DT_NEEDED, ())),
        run_path=strings.first(tags.get(_DT_RUNPATH)),
        old_run_path=strings.first(tags.get(_DT_RPATH)),
        soname=strings.first(tags.get(_DT_SONAME)),
        is_pie=bool(tags.get(_DT_FLAGS_1, [0])[0] & _DF_1_PIE),
        versions=_needed_versions(_table(start, read, tags.get(_DT_VERNEED)), strings),
        has_versions=_DT_VERSYM in tags,
        defines=_defined_versions(_table(start, read, tags.get(_DT_VERDEF)), strings),
    )


@dataclass(frozen=True, slots=True)
class _Strings:
    data: bytes

    def at(self, place: int) -> str:
        end = self.data.find(b"\0", place)
        if not 0 <= place < len(self.data) or end < 0:
            raise ElfInvalid("its dynamic section names a place outside its table of strings")
        return self.data[place:end].decode(errors="surrogateescape")

    def first(self, places: list[int] | None) -> str | None:
        return self.at(places[0]) if places else None


def _segments(table: bytes) -> Iterator[Segment]:
    for kind, flags, offset, address, _, file_size, _, _ in _SEGMENT.iter_unpack(table):
        yield Segment(kind=kind, flags=flags, offset=offset, address=address, file_size=file_size)


def _interpreter(
    start: bytes, read: Read, segments: tuple[Segment, ...]
) -> tuple[str | None, bool]:
    """The interpreter's path, and whether the kernel would refuse what stands there."""
    segment = next((one for one in segments if one.kind == _INTERPRETER), None)
    if segment is None:
        return None, False
    if not 2 <= segment.file_size <= _PATH_LIMIT:
        return None, True
    text = _read_from(start, read, at=segment.offset, size=segment.file_size)
    if len(text) < segment.file_size or text[-1] != 0:
        return None, True
    return text.partition(b"\0")[0].decode(errors="surrogateescape"), False


def _read_from(start: bytes, read: Read, *, at: int, size: int) -> bytes:
    """`size` bytes from `at`: out of `start`, where that holds them."""
    return start[at : at + size] if at + size <= len(start) else read(at, size)


def _exactly(read: Read, at: int, size: int) -> bytes:
    data = read(at, size)
    if len(data) < size:
        raise ElfInvalid("the file ends before what its headers announce")
    return data


def _whole(table: bytes) -> bytes:
    return table[: len(table) // _TAG.size * _TAG.size]


def _place(start: ElfStart, address: int) -> int:
    """Where in the file stands what is mapped at `address`."""
    for one in start.segments:
        if one.kind == _LOAD and one.address <= address < one.address + one.file_size:
            return one.offset + address - one.address
    raise ElfInvalid("its dynamic section names an address that is not in the file")


def _strings(start: ElfStart, read: Read, tags: Mapping[int, list[int]]) -> _Strings:
    if _DT_STRTAB not in tags or _DT_STRSZ not in tags:
        return _Strings(b"")
    size = tags[_DT_STRSZ][0]
    if size > _TABLE_LIMIT:
        raise ElfInvalid("its table of strings is larger than any linker makes one")
    return _Strings(_exactly(read, _place(start, tags[_DT_STRTAB][0]), size))


def _table(start: ElfStart, read: Read, address: list[int] | None) -> bytes:
    return read(_place(start, address[0]), _VERSIONS_SIZE) if address else b""


def _needed_versions(table: bytes, strings: _Strings) -> dict[str, frozenset[str]]:
    versions: dict[str, frozenset[str]] = {}
    left = _VERSIONS_LIMIT
    for _, count, file, first, at in _chain(table, _NEED, next_field=4):
        left -= count
        if left < 0:
            raise ElfInvalid("it asks for more symbol versions than any library has")
        names = _chain(table[at + first :], _NEED_NAME, next_field=4, count=count)
        library = strings.at(file)
        wanted = frozenset(strings.at(name[3]) for name in names if not name[1] & _WEAK)
        versions[library] = versions.get(library, frozenset()) | wanted
    return versions


def _defined_versions(table: bytes, strings: _Strings) -> frozenset[str]:
    return frozenset(
        strings.at(struct.unpack_from("<I", table, at + first)[0])
        for *_, first, at in _chain(table, _DEFINITION, next_field=6)
        if at + first + 4 <= len(table)
    )


def _chain(
    table: bytes, form: struct.Struct, *, next_field: int, count: int = 1 << 12
) -> Iterator[tuple[int, ...]]:
    """The records of a linked list; a record's own place stands for its step to the next."""
    at = 0
    for _ in range(count):
        if at + form.size > len(table):
            return
        fields = form.unpack_from(table, at)
        yield (*fields[:next_field], at)
        if fields[next_field] == 0:
            return
        at += fields[next_field]
