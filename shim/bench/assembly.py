"""Starter, handler and floor as ELF files, put together here: no compiler, the same bytes anywhere.

The sources are `baselines/*.S`; a test assembles them and compares.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from shim.arch import Arch

if TYPE_CHECKING:
    from collections.abc import Mapping

HANDLER_STATUS = 42
"""What the handler ends with: a candidate that ends otherwise did not run it."""

STAMPS = 3
"""Descriptor to which starter and handler write the time."""

_X86_64_STAMP = "bf01000000 b8e4000000 0f05 bf03000000 ba10000000 b801000000 0f05"
_ARM64_STAMP = "20008052 280e8052 010000d4 60008052 02028052 08088052 010000d4"
"""clock_gettime(CLOCK_MONOTONIC, …), write(3, …, 16)."""

HANDLER = {
    Arch.X86_64: bytes.fromhex("4889e6" + _X86_64_STAMP + "bf2a000000 b83c000000 0f05"),
    Arch.ARM64: bytes.fromhex("e1030091" + _ARM64_STAMP + "40058052 a80b8052 010000d4"),
}

STARTER = {
    Arch.X86_64: bytes.fromhex(
        "488b0424 4c8d642410 4c8d6cc410"
        "bf03000000 4889e6 ba01000000 b801000000 0f05"  # write(3, …, 1)
        "31c0 0f05"  # read(3, …, 1)
        + 2
        * _X86_64_STAMP
        + "498b3c24 4c89e6 4c89ea b83b000000 0f05"  # execve(argv[1], …)
        "bf7f000000 b83c000000 0f05"  # exit(127)
    ),
    Arch.ARM64: bytes.fromhex(
        "e30340f9 f3430091 740e038b"
        "60008052 e1030091 22008052 08088052 010000d4"
        "60008052 e8078052 010000d4"
        + 2 * _ARM64_STAMP
        + "600240f9 e10313aa e20314aa a81b8052 010000d4 e00f8052 a80b8052 010000d4"
    ),
}

FLOOR = {
    Arch.X86_64: bytes.fromhex(
        "488b0424 488d742408 488d54c608 488d3d13000000 b83b000000 0f05"  # execve(handler, …)
        "bf7f000000 b83c000000 0f05"  # exit(127)
    )
    + b"bin/orders\0",
    Arch.ARM64: bytes.fromhex(
        "e30340f9 e1230091 220c038b 42200091 c0000010 a81b8052 010000d4e00f8052 a80b8052 010000d4"
    )
    + b"bin/orders\0",
}

_LOAD_ADDRESS = 0x400000
_HEADER, _PROGRAM_HEADER = struct.Struct("<16sHHIQQQIHHHHHH"), struct.Struct("<IIQQQQQQ")
_PT_LOAD, _PT_GNU_STACK, _READ, _WRITE, _EXECUTE = 1, 0x6474E551, 4, 2, 1
_LARGEST_PAGE = 65536


def program(arch: Arch, codes: Mapping[Arch, bytes]) -> bytes:
    """The smallest static ELF file that runs `codes[arch]`: one segment, nothing to relocate."""
    code = codes[arch]
    start = _HEADER.size + 2 * _PROGRAM_HEADER.size
    size = start + len(code)
    header = _HEADER.pack(
        b"\x7fELF\x02\x01\x01",
        2,  # ET_EXEC
        arch.elf_machine,
        1,
        _LOAD_ADDRESS + start,
        _HEADER.size,
        0,
        0,
        _HEADER.size,
        _PROGRAM_HEADER.size,
        2,
        0,
        0,
        0,
    )
    text = _PROGRAM_HEADER.pack(
        _PT_LOAD, _READ | _EXECUTE, 0, _LOAD_ADDRESS, _LOAD_ADDRESS, size, size, _LARGEST_PAGE
    )
    # Without this one the kernel makes the stack executable on some machines.
    stack = _PROGRAM_HEADER.pack(_PT_GNU_STACK, _READ | _WRITE, 0, 0, 0, 0, 0, 16)
    return header + text + stack + code
