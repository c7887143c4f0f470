"""For which system an ELF file is, as far as it says so: Linux itself never looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.elf.header import ElfStart, Note

_INTERPRETERS = {
    "/system/bin/linker": "Android",
    "/system/bin/linker64": "Android",
    "/apex/com.android.runtime/bin/linker64": "Android",
    "/libexec/ld-elf.so.1": "FreeBSD",
    "/usr/libexec/ld-elf.so.2": "DragonFly BSD",
    "/usr/libexec/ld.elf_so": "NetBSD",
    "/usr/libexec/ld.so": "OpenBSD",
    "/lib/amd64/ld.so.1": "Solaris",
    "/usr/lib/amd64/ld.so.1": "Solaris",
    "/lib/ld-x86-64.so.1": "GNU Hurd",
}
_OWNERS = {
    b"DragonFly": "DragonFly BSD",
    b"FreeBSD": "FreeBSD",
    b"NetBSD": "NetBSD",
    b"OpenBSD": "OpenBSD",
}
"""Android's note is not among them: its static programs run on Linux."""

_ABI_TAG = 1
_ABIS = {1: "GNU Hurd", 2: "Solaris", 3: "FreeBSD", 4: "NetBSD"}  # glibc, elf/elf.h, ELF_NOTE_OS_…
_NUMBERS = {2: "NetBSD", 6: "Solaris", 9: "FreeBSD", 12: "OpenBSD"}
_LINUX = {0, 3}


def other_system(start: ElfStart) -> str | None:
    """The system that it is for by its interpreter, notes or `EI_OSABI`; None for Linux."""
    if start.interpreter in _INTERPRETERS:
        return _INTERPRETERS[start.interpreter]
    noted = next(filter(None, map(_noted_system, start.notes)), None)
    if noted or start.system in _LINUX:
        return noted
    return _NUMBERS.get(start.system, f"another system (EI_OSABI {start.system})")


def _noted_system(note: Note) -> str | None:
    if note.owner == b"GNU" and note.kind == _ABI_TAG:
        return _ABIS.get(note.description[0]) if note.description else None
    return _OWNERS.get(note.owner)
