"""An ELF file's header and segments, as the kernel reads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.arch import Arch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[int, int], bytes]
    """At most that many bytes (second) from there on (first); fewer at the end."""

MAGIC = b"\x7fELF"
HEADER_SIZE = 64
"""Bytes of a 64-bit ELF header (`Elf64_Ehdr`); a 32-bit one has 52."""

START_SIZE = 4096
"""Bytes of a file that hold its headers, and whatever else is wanted of most programs."""

EXECUTABLE, SHARED = 2, 3
LOAD, DYNAMIC, INTERPRETER, NOTE = 1, 2, 3, 4

_CLASS_64, _LITTLE_ENDIAN = 2, 1
_EXECUTE = 1
_IDENTITY_SIZE = 16
_HEADER_64, _HEADER_32 = "HHIQQQIHHHHHH", "HHIIIIIHHHHHH"
_SEGMENT_64, _SEGMENT_32 = "IIQQQQQQ", "IIIIIIII"  # Elf64_Phdr, Elf32_Phdr
_NOTE = "III"
_TABLE_LIMIT = 1 << 16  # what Linux takes of program headers (fs/binfmt_elf.c, load_elf_phdrs)
_PATH_LIMIT = 4096
_NOTES_LIMIT = 1 << 12
_NOTE_SEGMENTS_LIMIT = 16
_NOTES_END = 1 << 16
"""Notes beyond are not looked for: linkers put those that name a system at the beginning."""

_UPX, _UPX_AT = b"UPX!", 4  # upx, src/stub/src/include/linux.h, l_info: behind the segments
_APP_IMAGE, _APP_IMAGE_AT = b"AI\x02", 8  # AppImageSpec, "Type 2 image format"


class ElfInvalid(ValueError):
    """The bytes begin like an ELF file but say nonsense, or end too early."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfHeader:
    """What stands at an ELF file's beginning."""

    is_64_bit: bool
    is_little_endian: bool
    system: int
    """`EI_OSABI`: 0 and 3 are Linux; the kernel doesn't look."""
    type: int
    machine: int
    entry: int
    table: int
    """Where the program headers are."""
    table_entry_size: int
    table_entries: int

    @property
    def order(self) -> str:
        """Of its bytes, as `struct` spells it."""
        return "<" if self.is_little_endian else ">"

    @property
    def arch(self) -> Arch | None:
        """The Lambda architecture, or None where the file is for another machine."""
        is_ours = self.is_64_bit and self.is_little_endian
        return Arch.from_elf_machine(self.machine) if is_ours else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfStart(ElfHeader):
    """An ELF file's header and segments."""

    segments: tuple[Segment, ...]
    """Empty where there are none, or no kernel would take them."""
    interpreter: str | None
    interpreter_is_broken: bool
    notes: tuple[Note, ...]
    packer: str | None
    """What packed the real program, which then can't be seen, into this one."""

    @property
    def end(self) -> int:
        """How many bytes the file must have so that all that is mapped is there."""
        return max((one.offset + one.file_size for one in self.segments_of(LOAD)), default=0)

    @property
    def has_entry(self) -> bool:
        """Whether the entry lies in something that is mapped to be executed."""
        return any(
            segment.flags & _EXECUTE
            and segment.address <= self.entry < segment.address + segment.file_size
            for segment in self.segments_of(LOAD)
        )

    @property
    def is_dynamic(self) -> bool:
        """Whether there is a dynamic section."""
        return any(self.segments_of(DYNAMIC))

    def offset_of(self, address: int) -> int:
        """Where in the file stands what is mapped at `address`; raises `ElfInvalid`."""
        for one in self.segments_of(LOAD):
            if one.address <= address < one.address + one.file_size:
                return one.offset + address - one.address
        raise ElfInvalid("it names an address that is not in the file")

    def segments_of(self, kind: int) -> Iterator[Segment]:
        """The segments of one kind."""
        return (segment for segment in self.segments if segment.kind == kind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """A program header."""

    kind: int
    flags: int
    offset: int
    address: int
    file_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What a linker noted down: which system the file is for, say."""

    owner: bytes
    kind: int
    description: bytes


def read_header(data: bytes) -> ElfHeader:
    """The header of the file that begins with `data` (64 bytes are enough).

    Raises `ElfInvalid` for what is not an ELF file, or not even a whole header.
    """
    if not data.startswith(MAGIC):
        raise ElfInvalid("no ELF header")
    is_64_bit = data[4:5] == bytes([_CLASS_64])
    is_little_endian = data[5:6] == bytes([_LITTLE_ENDIAN])
    form = ("<" if is_little_endian else ">") + (_HEADER_64 if is_64_bit else _HEADER_32)
    if len(data) < _IDENTITY_SIZE + struct.calcsize(form):
        raise ElfInvalid("the ELF header is cut off")
    fields = struct.unpack_from(form, data, _IDENTITY_SIZE)
    kind, machine, _, entry, table, _, _, _, size, count, *_ = fields
    return ElfHeader(
        is_64_bit=is_64_bit,
        is_little_endian=is_little_endian,
        system=data[7],
        type=kind,
        machine=machine,
        entry=entry,
        table=table,
        table_entry_size=size,
        table_entries=count,
    )


def read_start(read: Read) -> ElfStart:
    """The header, segments and what they lead to; `ElfInvalid` where the header is cut off."""
    start = read(0, START_SIZE)
    header = read_header(start)
    segments = tuple(_segments(header, start, read))
    interpreter, is_broken = _interpreter(start, read, segments)
    return ElfStart(
        **{name: getattr(header, name) for name in ElfHeader.__slots__},
        segments=segments,
        interpreter=interpreter,
        interpreter_is_broken=is_broken,
        notes=tuple(_notes(header, start, read, segments)),
        packer=_packer(header, start) if segments else None,
    )


def _segments(header: ElfHeader, start: bytes, read: Read) -> Iterator[Segment]:
    form = struct.Struct(header.order + (_SEGMENT_64 if header.is_64_bit else _SEGMENT_32))
    size = header.table_entries * header.table_entry_size
    if header.table_entry_size != form.size or not 0 < size <= _TABLE_LIMIT:
        return
    table = _read_from(start, read, at=header.table, size=size)
    if len(table) < size:
        return
    for fields in form.iter_unpack(table):
        if header.is_64_bit:
            kind, flags, offset, address, _, file_size, *_ = fields
        else:
            kind, offset, address, _, file_size, _, flags, _ = fields
        yield Segment(kind=kind, flags=flags, offset=offset, address=address, file_size=file_size)


def _packer(header: ElfHeader, start: bytes) -> str | None:
    if start.startswith(_APP_IMAGE, _APP_IMAGE_AT):
        return "AppImage"
    end = header.table + header.table_entries * header.table_entry_size
    return "UPX" if start.startswith(_UPX, end + _UPX_AT) else None


def _interpreter(
    start: bytes, read: Read, segments: tuple[Segment, ...]
) -> tuple[str | None, bool]:
    """The interpreter's path, and whether the kernel would refuse what stands there."""
    segment = next((one for one in segments if one.kind == INTERPRETER), None)
    if segment is None:
        return None, False
    if not 2 <= segment.file_size <= _PATH_LIMIT:
        return None, True
    text = _read_from(start, read, at=segment.offset, size=segment.file_size)
    if len(text) < segment.file_size or text[-1] != 0:
        return None, True
    return text.partition(b"\0")[0].decode(errors="surrogateescape"), False


def _notes(
    header: ElfHeader, start: bytes, read: Read, segments: tuple[Segment, ...]
) -> Iterator[Note]:
    form = struct.Struct(header.order + _NOTE)
    noted = [segment for segment in segments if segment.kind == NOTE]
    for segment in noted[:_NOTE_SEGMENTS_LIMIT]:
        if segment.offset + segment.file_size <= _NOTES_END:
            size = min(segment.file_size, _NOTES_LIMIT)
            data = _read_from(start, read, at=segment.offset, size=size)
            yield from _notes_in(data, form)


def _notes_in(data: bytes, form: struct.Struct) -> Iterator[Note]:
    """The notes that stand one after another, each part filled up to four bytes."""
    at = 0
    while at + form.size <= len(data):
        name_size, size, kind = form.unpack_from(data, at)
        name_at = at + form.size
        description_at = name_at + (name_size + 3) // 4 * 4
        at = description_at + (size + 3) // 4 * 4
        if at <= len(data):
            yield Note(
                owner=data[name_at : name_at + name_size].rstrip(b"\0"),
                kind=kind,
                description=data[description_at : description_at + size],
            )


def _read_from(start: bytes, read: Read, *, at: int, size: int) -> bytes:
    """`size` bytes from `at`: out of `start`, where that holds them."""
    return start[at : at + size] if at + size <= len(start) else read(at, size)
