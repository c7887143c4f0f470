"""Packages and states in memory, for tests."""

from __future__ import annotations

import stat
import struct
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.verdict import verdict
from shim.package.contents import MemoryContent
from shim.package.read import Entry, Package

if TYPE_CHECKING:
    from datetime import date

SCRIPT = b"#!/bin/sh\nexec sleep 1\n"
DUAL = b'#!/bin/sh\nexec "${0%bootstrap}.shim/$(uname -m)" "$@"\n'


def program(
    arch: Arch = Arch.X86_64,
    *,
    kind: int = 2,
    interpreter: bytes = b"",
    soname: bytes = b"",
    mark: bytes = b"",
) -> bytes:
    """The smallest ELF program: a header, a segment that holds all of it, an entry behind both."""
    base = 0x400000
    count = 1 + bool(interpreter) + bool(soname)
    at = 64 + count * 56
    text = interpreter + b"\0" if interpreter else b""
    strings = b"\0" + soname + b"\0" if soname else b""
    table = at + len(text) + len(strings)
    tags = [(14, 1), (5, base + at + len(text)), (10, len(strings)), (0, 0)] if soname else []
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in tags)
    entry_at = table + len(dynamic)
    size = entry_at + 16 + len(mark)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQ", kind, arch.elf_machine, 1, base + entry_at, 64, 0)
    header += struct.pack("<IHHHHHH", 0, 64, 56, count, 0, 0, 0)
    if interpreter:
        header += _segment(3, at, len(text), base=base)
    header += _segment(1, 0, size, base=base)
    if soname:
        header += _segment(2, table, len(dynamic), base=base)
    return header + text + strings + dynamic + bytes(16) + mark


def _segment(kind: int, at: int, size: int, *, base: int) -> bytes:
    flags = 5 if kind == 1 else 4
    return struct.pack("<IIQQQQQQ", kind, flags, at, base + at, 0, size, size, 4096)


def launcher(arch: Arch = Arch.X86_64) -> bytes:
    """What the checker takes for a launcher."""
    return program(arch, mark=b"HandlerIsLauncher")


def entry(name: str, data: bytes = b"", mode: int = 0o755, *, problem: str | None = None) -> Entry:
    """A file, or a folder where the name ends so."""
    return Entry(
        name=name,
        kind=stat.S_IFDIR if name.endswith("/") else stat.S_IFREG,
        mode=mode,
        size=len(data),
        content=MemoryContent(data=data),
        problem=problem,
    )


def link(name: str, target: str) -> Entry:
    """A symbolic link."""
    data = target.encode()
    content = MemoryContent(data=data)
    return Entry(name=name, kind=stat.S_IFLNK, mode=0o777, size=len(data), content=content)


def package(*entries: Entry, path: str = "package.zip", zipped: int | None = 1000) -> Package:
    """A package of these entries."""
    return Package(path=path, entries=entries, zipped=zipped)


def state(
    *entries: Entry,
    handler: str = "orders",
    arch: Arch = Arch.X86_64,
    runtime: str = "provided.al2023",
    layers: tuple[Package, ...] = (),
    environment: dict[str, str] | None = None,
    zipped: int | None = 1000,
) -> State:
    """A state with a package of these entries."""
    return State(
        package=package(*entries, zipped=zipped),
        arch=arch,
        runtime=read_runtimes()[runtime],
        handler=handler,
        layers=layers,
        environment=tuple((environment or {}).items()),
    )


def sound(*more: Entry, **changes: object) -> State:
    """A state that starts: a launcher, the handler `orders`, and more."""
    return state(
        entry("bootstrap", launcher()),
        entry("orders", program()),
        *more,
        **changes,  # type: ignore[arg-type] # the same as of `state`
    )


def codes(checked: State, *, day: date | None = None) -> set[str]:
    """The codes of everything that is found in a state."""
    return {finding.code for finding in verdict(checked, day=day).findings}
