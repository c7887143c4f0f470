"""What binutils' readelf says of a program: read from its text, by nothing of shim's."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LINUX = {"UNIX - System V", "UNIX - GNU"}
_MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "arm64"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One ELF file, in readelf's words."""

    is_64_bit_little_endian: bool
    machine: str
    """x86_64 or arm64, or what readelf calls another one."""
    kind: str
    """EXEC, DYN, REL, …"""
    is_sound: bool
    """Whether there are headers to start it by, with nothing broken in them."""
    has_entry: bool
    """Whether it begins in something that is mapped to be executed."""
    is_linux: bool
    """As far as its header and its notes tell."""
    interpreter: str | None
    needed: tuple[str, ...]
    soname: str | None
    is_pie: bool
    """By the flag; older linkers didn't set it."""
    run_path: str | None
    versions: dict[str, frozenset[str]]
    """By library, the versions that have to be there."""


def readelf(path: Path) -> Said:
    """What it says of `path`; empty words where it can't read it."""
    text = subprocess.run(
        ["readelf", "-W", "-h", "-l", "-d", "-n", "-V", path],
        env=os.environ | {"LC_ALL": "C"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="surrogateescape",
        check=False,
    ).stdout
    machine = _first(r"^\s+Machine:\s+(.+?)\s*$", text) or ""
    return Said(
        is_64_bit_little_endian=_first(r"^\s+Class:\s+(\S+)", text) == "ELF64"
        and "little endian" in (_first(r"^\s+Data:\s+(.+)", text) or ""),
        machine=_MACHINES.get(machine, machine),
        kind=_first(r"^\s+Type:\s+([A-Z]+)", text) or "",
        is_sound="There are no program headers" not in text and "readelf: Error" not in text,
        has_entry=_has_entry(text),
        is_linux=_first(r"^\s+OS/ABI:\s+(.+?)\s*$", text) in _LINUX
        and not re.search(r"^\s+(NetBSD|OpenBSD|FreeBSD|Android)\s+0x", text, re.MULTILINE),
        interpreter=_first(r"\[Requesting program interpreter: (.*)\]", text),
        needed=tuple(re.findall(r"\(NEEDED\)\s+Shared library: \[(.*)\]", text)),
        soname=_first(r"\(SONAME\)\s+Library soname: \[(.*)\]", text),
        is_pie=bool(re.search(r"\(FLAGS_1\)\s+Flags:.*\bPIE\b", text)),
        run_path=_first(r"\((?:RUNPATH|RPATH)\)\s+Library r(?:un)?path: \[(.*)\]", text),
        versions=_versions(text),
    )


def _has_entry(text: str) -> bool:
    entry = int(_first(r"^\s+Entry point address:\s+(0x[0-9a-f]+)", text) or "0", 16)
    mapped = re.findall(r"^\s+LOAD\s+\S+ (0x\S+) \S+ (0x\S+) \S+ (...)", text, re.MULTILINE)
    return any(
        "E" in flags and int(start, 16) <= entry < int(start, 16) + int(size, 16)
        for start, size, flags in mapped
    )


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else None


def _versions(text: str) -> dict[str, frozenset[str]]:
    versions: dict[str, set[str]] = {}
    wanted: set[str] | None = None
    for line in text.splitlines():
        if line.startswith("Version "):
            wanted = None
        if found := re.search(r"\bFile: (\S+)\s+Cnt:", line):
            wanted = versions.setdefault(found[1], set())
        found = re.search(r"\bName: (\S+)\s+Flags: (.*?)\s+V", line)
        if found and wanted is not None and "WEAK" not in found[2]:
            wanted.add(found[1])
    return {library: frozenset(names) for library, names in versions.items()}
