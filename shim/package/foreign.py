"""Programs of other systems, by how they begin: nothing in Lambda starts one."""

from __future__ import annotations

import struct

_MACH_O = {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"}  # loader.h: MH_MAGIC_64, MH_MAGIC, as stored
_MACH_O_EXECUTE = 2
_FAT = {b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"}  # fat.h: FAT_MAGIC, FAT_MAGIC_64
_FIRST_JAVA = 45
"""Of a Java class the same magic is followed by its version, which begins there; of a fat Mach-O
by how many architectures it has."""

_PE_AT = 0x3C
_PE_IS_LIBRARY = 0x2000  # IMAGE_FILE_DLL; .NET's assemblies have it too


def foreign_program(start: bytes) -> str | None:
    """What the program is that begins so; None for everything else, other systems' libraries too.

    Some kilobytes of its beginning tell all.
    """
    magic = start[:4]
    if magic in _MACH_O:
        is_program = start[12:16] == struct.pack("<I", _MACH_O_EXECUTE)
        return "a program for macOS" if is_program else None
    if magic in _FAT and len(start) >= 8:
        is_java = int.from_bytes(start[4:8]) >= _FIRST_JAVA
        return "a Java class" if is_java else "a program for macOS"
    if magic == b"\0asm":
        return "a WebAssembly module"
    return "a program for Windows" if _is_windows_program(start) else None


def _is_windows_program(start: bytes) -> bool:
    """Whether it is a Portable Executable, and no library (Microsoft, "PE Format")."""
    if not start.startswith(b"MZ") or len(start) < _PE_AT + 4:
        return False
    (at,) = struct.unpack_from("<I", start, _PE_AT)
    if start[at : at + 4] != b"PE\0\0" or len(start) < at + 24:
        return False
    (flags,) = struct.unpack_from("<H", start, at + 22)
    return not flags & _PE_IS_LIBRARY
