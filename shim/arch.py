"""The two CPU architectures of AWS Lambda, in every spelling that somebody uses for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Arch(StrEnum):
    """An architecture, spelt as the Lambda API spells it."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def machine(self) -> str:
        """What `uname -m` prints: `x86_64` or `aarch64`."""
        return "aarch64" if self is Arch.ARM64 else "x86_64"

    @property
    def elf_machine(self) -> int:
        """The number in an ELF header's `e_machine` (ELF gABI: EM_X86_64, EM_AARCH64)."""
        return 183 if self is Arch.ARM64 else 62

    @property
    def suffix(self) -> str:
        """What the launcher first appends to a handler's name on this architecture."""
        return "_arm64" if self is Arch.ARM64 else ""

    @classmethod
    def from_machine(cls, machine: str) -> Self | None:
        """The architecture that `uname -m` calls `machine`; None for every other."""
        return next((arch for arch in cls if machine == arch.machine), None)

    @classmethod
    def from_elf_machine(cls, number: int) -> Self | None:
        """The architecture with this `e_machine`; None for every other."""
        return next((arch for arch in cls if number == arch.elf_machine), None)


SPELLINGS = {
    "x86_64": Arch.X86_64,
    "x86-64": Arch.X86_64,
    "amd64": Arch.X86_64,
    "x64": Arch.X86_64,
    "arm64": Arch.ARM64,
    "aarch64": Arch.ARM64,
}
"""How build tools spell the architectures."""
