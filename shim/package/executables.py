"""What an entry is when it is executed: read once, whatever number of states asks for it."""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.elf import (
    MAGIC,
    START_SIZE,
    ElfInvalid,
    ElfStart,
    GoBuild,
    Linking,
    is_go,
    read_go_build,
    read_linking,
    read_start,
    strippable_bytes,
)
from shim.package.contents import STORED, Unreadable, ZipContent
from shim.package.kept import kept
from shim.package.manifest import read_manifest
from shim.package.names import may_be_handler, name_problem
from shim.package.program import FIRST_LINE, SCRIPT, is_elf_program

if TYPE_CHECKING:
    from shim.package.read import Entry, Package

_BLANK = b" \t"
_SCRIPT_LIMIT = 1 << 16
_LAUNCHER_LIMIT = 16 << 20
_HANDLER_LIMIT = 1 << 17
_LAUNCHER_MARK = b"HandlerIsLauncher"
"""In every launcher's data, whichever version made it: types stay (docs/reference/errors.md)."""

_DUAL = re.compile(rb"exec \S*\.shim/")


class Kind(StrEnum):
    """What stands as `bootstrap`."""

    LAUNCHER = "launcher"
    DUAL = "dual"
    SCRIPT = "script"
    NATIVE = "native"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shebang:
    """A script's first line, cut as Linux cuts it."""

    interpreter: str
    argument: str
    is_cut: bool
    """Whether the line goes on beyond what Linux reads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GoProgram:
    """A program that Go's linker made."""

    build: GoBuild | None
    """None where it is not noted down, or was not read."""
    strippable: int
    """Bytes of symbols and debug information."""


@kept
def read_first(entry: Entry) -> bytes:
    """What Linux reads of a file to see what it is; raises `Unreadable`."""
    return entry.read(0, FIRST_LINE)


def first_bytes(entry: Entry) -> bytes:
    """The same; empty where it can't be read."""
    try:
        return read_first(entry)
    except Unreadable:
        return b""


def read_shebang(start: bytes) -> Shebang | None:
    """The interpreter and argument of a script; None where Linux finds none (binfmt_script.c)."""
    buffer = start[:FIRST_LINE].ljust(FIRST_LINE, b"\0")
    line, newline, _ = buffer.partition(b"\0")[0].partition(b"\n")
    is_cut = not newline and len(line) == FIRST_LINE
    if not newline:
        line = buffer[: FIRST_LINE - 1]
        if is_cut and not re.search(rb"[ \t\0]", buffer[2:].lstrip(_BLANK)):
            return None
    text = line[2:].strip(_BLANK)
    if not text:
        return None
    words = re.split(rb"[ \t]", text.partition(b"\0")[0], maxsplit=1)
    return Shebang(
        interpreter=words[0].decode(errors="surrogateescape"),
        argument=b"".join(words[1:]).lstrip(_BLANK).decode(errors="surrogateescape"),
        is_cut=is_cut,
    )


@kept
def elf_start(entry: Entry) -> ElfStart:
    """An ELF entry's headers; raises `ElfInvalid` and `Unreadable`."""
    return read_start(entry.read)


def elf_linking(entry: Entry) -> Linking | None:
    """What an ELF entry asks of the dynamic linker; raises `ElfInvalid` and `Unreadable`."""
    return _inside(entry)[0] if elf_start(entry).is_dynamic else None


@kept
def _inside(entry: Entry) -> tuple[Linking | None, GoProgram | None]:
    """What stands behind an ELF entry's code; all of it is inflated for that, once."""
    start, opened = elf_start(entry), entry.opened()
    linking = read_linking(start, opened.read) if start.is_dynamic else None
    # Too large to be inflated at once, it would be inflated for each of many small reads.
    if is_go(start) and _is_at_hand(opened):
        with suppress(ElfInvalid, Unreadable):  # no verdict depends on it
            build = read_go_build(start, opened.read)
            return linking, GoProgram(build=build, strippable=strippable_bytes(opened.read))
    return linking, None


@kept
def go_program(entry: Entry, *, may_inflate: bool) -> GoProgram | None:
    """What is known of a Go program; None for any other. Raises as `elf_linking`.

    Of a zip's static program all is inflated only where that may be.
    """
    start = elf_start(entry)
    if not is_go(start):
        return None
    is_inflated = may_inflate or start.is_dynamic or _is_at_hand(entry)
    if is_inflated and (found := _inside(entry)[1]):
        return found
    # Go's linker puts the section headers right behind the others.
    first = entry.read(0, START_SIZE)
    strippable = strippable_bytes(lambda at, size: first[at : at + size])
    return GoProgram(build=None, strippable=strippable)


def _is_at_hand(entry: Entry) -> bool:
    """Whether bytes far into it cost no more than those at its beginning."""
    content = entry.content
    return not isinstance(content, ZipContent) or content.method == STORED


@kept
def kind_of(entry: Entry, limit: int = _LAUNCHER_LIMIT) -> Kind:
    """What it does once it is started; an ELF file of more than `limit` bytes is not one."""
    try:
        if first_bytes(entry).startswith(MAGIC):
            is_marked = entry.size <= limit and _LAUNCHER_MARK in entry.read(0, entry.size)
            return Kind.LAUNCHER if is_marked else Kind.NATIVE
        return Kind.DUAL if _DUAL.search(script_text(entry)) else Kind.SCRIPT
    except Unreadable:
        return Kind.NATIVE


def is_launcher(entry: Entry) -> bool:
    """Whether a handler is a launcher once more: a lean one, or the dual script.

    Looking for a full one would mean to inflate every handler of some MB.
    """
    return kind_of(entry, _HANDLER_LIMIT) in {Kind.LAUNCHER, Kind.DUAL}


def script_text(entry: Entry) -> bytes:
    """A script's text, as far as anybody writes one by hand."""
    try:
        return entry.read(0, _SCRIPT_LIMIT)
    except Unreadable:
        return b""


@kept
def is_program(entry: Entry) -> bool:
    """Whether the file is there to be started: a script, or an ELF program, on whatever machine."""
    if not stat.S_ISREG(entry.kind):
        return False
    try:
        start = read_first(entry)
        if not start.startswith(MAGIC):
            return start.startswith(SCRIPT)
        return is_elf_program(elf_start(entry), lambda: elf_linking(entry))
    except ElfInvalid:
        return True
    except Unreadable:
        return False


@kept
def handlers_of(package: Package) -> frozenset[str]:
    """The handlers that its manifest names; without one, every program where one may be."""
    if manifest := read_manifest(package):
        return frozenset(manifest.handlers)
    return frozenset(
        _handler_name(path, entry, package)
        for path, entry in package.names.items()
        if entry and may_be_handler(path) and not name_problem(path) and is_program(entry)
    )


def _handler_name(path: str, entry: Entry, package: Package) -> str:
    """Without `_arm64`, where that says which variant it is: it is one, or has another beside it.

    A script that is alone, or a program for x86_64, has its whole name.
    """
    name = path.removesuffix(Arch.ARM64.suffix)
    is_variant = name in package.names or _arch_of(entry) is Arch.ARM64
    return name if name and is_variant else path


def _arch_of(entry: Entry) -> Arch | None:
    try:
        return elf_start(entry).arch
    except (ElfInvalid, Unreadable):
        return None
