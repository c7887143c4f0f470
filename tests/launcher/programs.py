"""Files that look like programs: an ELF header and little else."""

from __future__ import annotations

S390X = 22
"""An `e_machine` that is neither of Lambda's (ELF gABI: EM_S390)."""


def elf(machine: int, kind: int = 2) -> bytes:
    """An ELF program for `machine` that can't run; emulators want its padding 0 to take it."""
    header = bytearray((b"\x7fELF\x02\x01\x01" + b"\0" * 8 + b"\x01").ljust(64, b"\0"))
    header[16:20] = kind.to_bytes(2, "little") + machine.to_bytes(2, "little")
    header[24] = 1
    return bytes(header)


def elf_with_interpreter(machine: int, interpreter: bytes) -> bytes:
    """The same, with a loader that the kernel looks for."""
    header = bytearray(elf(machine))
    header[32] = 64
    header[54:58] = (56).to_bytes(2, "little") + (1).to_bytes(2, "little")
    path = interpreter + b"\0"
    sizes = (120).to_bytes(8, "little") * 3 + len(path).to_bytes(8, "little") * 2 + b"\0" * 8
    return bytes(header) + (3).to_bytes(4, "little") + (4).to_bytes(4, "little") + sizes + path
