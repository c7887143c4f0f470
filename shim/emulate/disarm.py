"""Programs that Lambda's machine would refuse, and that one with qemu would start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.elf import HEADER_SIZE, ElfInvalid, read_header

if TYPE_CHECKING:
    from shim.arch import Arch

_PHENTSIZE_AT, _LAST_PADDING_AT = 54, 15


def disarmed(head: bytes, arch: Arch) -> bytes:
    """The first bytes of a file, changed so that Linux refuses a program for another machine.

    The size of its program headers says 0, which no loader takes (ENOEXEC), and a byte of padding
    is set, by which binfmt_misc doesn't know it. The machine that it is for can still be read.
    """
    try:
        header = read_header(head[:HEADER_SIZE])
    except ElfInvalid:
        return head
    if not header.is_64_bit or header.arch is arch:
        return head
    changed = bytearray(head)
    changed[_LAST_PADDING_AT] = 1
    changed[_PHENTSIZE_AT : _PHENTSIZE_AT + 2] = b"\0\0"
    return bytes(changed)
