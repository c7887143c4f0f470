"""Reads what shim needs to know of a program: is it ELF, is it whole, and for which machine."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from shim.arch import Arch

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"\x7fELF"
HEADER_SIZE = 64
"""Bytes of a 64-bit ELF header (ELF gABI, `Elf64_Ehdr`)."""

_CLASS_64, _LITTLE_ENDIAN, _ET_EXEC, _ET_DYN = 2, 1, 2, 3
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_SONAME, _DT_FLAGS_1, _DF_1_PIE = 14, 0x6FFFFFFB, 0x08000000
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
_DYNAMIC = struct.Struct("<qQ")  # Elf64_Dyn
_DYNAMIC_LIMIT = 1 << 20  # bytes; a real dynamic section has some hundred


class ElfInvalid(ValueError):
    """The bytes begin like an ELF file but are no program that a Lambda machine could run."""


class ElfTruncated(ElfInvalid):
    """The file ends before what its headers announce."""


class ElfNotProgram(ElfInvalid):
    """A sound ELF file that nothing starts: a shared library, an object file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ElfHeader:
    """The part of an ELF header that decides which machine takes the file."""

    machine: int
    type: int

    @property
    def arch(self) -> Arch | None:
        """The Lambda architecture, or None where the file is for another machine."""
        return Arch.from_elf_machine(self.machine)


def read_header(data: bytes) -> ElfHeader:
    """The header of the program that begins with `data` (64 bytes are enough).

    Raises `ElfInvalid`, with what is wrong, for anything that is not a 64-bit little-endian
    executable or position-independent executable.
    """
    if not data.startswith(MAGIC):
        raise ElfInvalid("no ELF header")
    if len(data) < HEADER_SIZE:
        raise ElfTruncated("an ELF file that is cut off")
    if data[4] != _CLASS_64:
        raise ElfInvalid("a 32-bit ELF file")
    if data[5] != _LITTLE_ENDIAN:
        raise ElfInvalid("a big-endian ELF file")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if kind not in {_ET_EXEC, _ET_DYN}:
        raise ElfNotProgram("an ELF file that is no executable")
    return ElfHeader(machine=machine, type=kind)


def read_arch(file: BinaryIO) -> Arch:
    """The architecture of the program in `file`; `ElfInvalid` for what is none, or not whole."""
    file.seek(0)
    data = file.read(HEADER_SIZE)
    header = read_header(data)
    if header.arch is None:
        raise ElfInvalid(f"an ELF file for another machine (e_machine {header.machine})")
    segments = list(_segments(file, data))
    if any(segment.type == _PT_LOAD and segment.end > _size(file) for segment in segments):
        raise ElfTruncated("an ELF file that is cut off")
    if header.type == _ET_DYN and _is_library(file, segments):
        raise ElfNotProgram("a shared library")
    return header.arch


class _Segment(NamedTuple):
    type: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def _segments(file: BinaryIO, header: bytes) -> Iterator[_Segment]:
    (offset,) = struct.unpack_from("<Q", header, 32)
    entry_size, count = struct.unpack_from("<HH", header, 54)
    if count == 0 or entry_size != _PROGRAM_HEADER.size:
        raise ElfInvalid("an ELF file without program headers")
    if offset + count * entry_size > _size(file):
        raise ElfTruncated("an ELF file that is cut off")
    file.seek(offset)
    for fields in _PROGRAM_HEADER.iter_unpack(file.read(count * entry_size)):
        yield _Segment(type=fields[0], offset=fields[2], size=fields[5])


def _is_library(file: BinaryIO, segments: list[_Segment]) -> bool:
    """Whether an `ET_DYN` file is a library: it has a SONAME (libc.so.6 has an interpreter too),
    or neither an interpreter nor the flag that linkers give to static PIE."""
    tags: dict[int, int] = {}
    for segment in segments:
        if segment.type == _PT_DYNAMIC and segment.end <= _size(file):
            file.seek(segment.offset)
            data = file.read(min(segment.size, _DYNAMIC_LIMIT))
            tags.update(_DYNAMIC.iter_unpack(data[: len(data) // 16 * 16]))
    if _DT_SONAME in tags:
        return True
    has_interpreter = any(segment.type == _PT_INTERP for segment in segments)
    return not has_interpreter and not tags.get(_DT_FLAGS_1, 0) & _DF_1_PIE


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)
