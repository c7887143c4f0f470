"""Reads what shim needs to know of a program: is it ELF, and for which machine."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shim.arch import Arch

MAGIC = b"\x7fELF"
HEADER_SIZE = 64
"""Bytes of a 64-bit ELF header (ELF gABI, `Elf64_Ehdr`)."""

_CLASS_64, _LITTLE_ENDIAN, _ET_EXEC, _ET_DYN = 2, 1, 2, 3


class ElfInvalid(ValueError):
    """The bytes begin like an ELF file but are no program that a Lambda machine could run."""


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
        raise ElfInvalid("the ELF header is cut off")
    if data[4] != _CLASS_64:
        raise ElfInvalid("a 32-bit ELF file")
    if data[5] != _LITTLE_ENDIAN:
        raise ElfInvalid("a big-endian ELF file")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if kind not in {_ET_EXEC, _ET_DYN}:
        raise ElfInvalid("an ELF file that is no executable")
    return ElfHeader(machine=machine, type=kind)
