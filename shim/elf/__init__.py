"""The one reader of ELF files: what Linux looks at to start one, and what its dynamic linker does.

Everything is read at offsets that the headers name, from whatever gives bytes at an offset; a file
that names nonsense gives `ElfInvalid`, or has less. Numbers are those of the ELF gABI and, for
symbol versions, of the Linux Standard Base (Core, "Symbol Versioning"). The launcher has its own
small reader: it is frozen alone (shim/launcher/program.py).
"""

from shim.elf.go import GoBuild, is_go, read_go_build
from shim.elf.header import (
    EXECUTABLE,
    HEADER_SIZE,
    MAGIC,
    SHARED,
    START_SIZE,
    ElfHeader,
    ElfInvalid,
    ElfStart,
    Note,
    Segment,
    read_header,
    read_start,
)
from shim.elf.linking import Linking, read_linking
from shim.elf.sections import strippable_bytes
from shim.elf.systems import other_system

__all__ = [
    "EXECUTABLE",
    "HEADER_SIZE",
    "MAGIC",
    "SHARED",
    "START_SIZE",
    "ElfHeader",
    "ElfInvalid",
    "ElfStart",
    "GoBuild",
    "Linking",
    "Note",
    "Segment",
    "is_go",
    "other_system",
    "read_go_build",
    "read_header",
    "read_linking",
    "read_start",
    "strippable_bytes",
]
