"""The one rule for what is a program: of files on disk, and of what is in packages."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from shim.arch import Arch
from shim.elf import (
    EXECUTABLE,
    MAGIC,
    SHARED,
    START_SIZE,
    ElfInvalid,
    read_linking,
    read_start,
)
from shim.errors import InputError
from shim.package.foreign import foreign_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shim.elf import ElfStart, Linking

EVERYWHERE = frozenset(Arch)
"""Where a `#!` script runs."""

SCRIPT = b"#!"
FIRST_LINE = 256
"""Bytes that Linux reads to find a script's interpreter (BINPRM_BUF_SIZE)."""

FOR_LINUX = (
    "build it for Linux: Go `GOOS=linux GOARCH=arm64`, Rust `--target aarch64-unknown-linux-musl`"
)


class NoProgram(InputError):
    """A file that nothing starts: text, an image, a shared library."""


class ForeignProgram(NoProgram):
    """A program that no Lambda machine could start: 32-bit, another machine's or system's."""


def is_elf_program(start: ElfStart, linking: Callable[[], Linking | None]) -> bool:
    """Whether an ELF file is there to be started, on whatever machine: no library, no object file.

    `linking` reads what the file asks of the dynamic linker, which is asked only where the headers
    leave it open. What has no dynamic section, as UPX leaves programs, nothing could load.
    """
    if start.type != SHARED:
        return start.type == EXECUTABLE
    if start.entry == 0 and start.interpreter is None:
        return False
    try:
        dynamic = linking()
    except ElfInvalid:
        return start.interpreter is not None
    return dynamic is None or dynamic.is_program


def runs_on(file: BinaryIO, path: Path) -> frozenset[Arch]:
    """The architectures that the program starts on: an ELF program's own, every one for a script.

    Raises `NoProgram` for everything else, `InputError` for a program that is broken.
    """
    file.seek(0)
    start = file.read(START_SIZE)
    if start.startswith(MAGIC):
        return frozenset({_elf_arch(file, path)})
    if system := foreign_program(start):
        raise ForeignProgram(
            f"{system}, which Lambda doesn't run: `{path}`",
            hint=FOR_LINUX,
        )
    if not start.startswith(SCRIPT):
        raise NoProgram(
            f"neither an ELF program nor a `#!` script: `{path}`",
            hint="give programs, or the folder that holds them together with their other files",
        )
    _check_script(start, path)
    return EVERYWHERE


def is_executable(start: bytes) -> bool:
    """Whether a file that begins with `start` gets the run bit: programs, and private loaders."""
    return start.startswith((MAGIC, SCRIPT))


def _elf_arch(file: BinaryIO, path: Path) -> Arch:
    file_size = file.seek(0, os.SEEK_END)

    def read(offset: int, size: int) -> bytes:
        file.seek(min(offset, file_size))
        return file.read(min(size, file_size))

    try:
        start = read_start(read)
    except ElfInvalid as error:
        raise _broken(path) from error
    if start.type not in {EXECUTABLE, SHARED}:
        raise _no_program("an ELF file that is not an executable", path)
    is_program = is_elf_program(start, lambda: read_linking(start, read))
    if start.arch is None and is_program:
        raise ForeignProgram(
            f"{_machine(start)}, which Lambda doesn't run: `{path}`",
            hint="build it for x86_64 or arm64 (Go: `GOOS=linux GOARCH=arm64`)",
        )
    if start.arch and (not start.segments or start.end > file_size):
        raise _broken(path)
    if start.arch is None or not is_program:
        raise _no_program("a shared library", path)
    return start.arch


def _machine(start: ElfStart) -> str:
    if not start.is_64_bit:
        return "a 32-bit ELF file"
    if not start.is_little_endian:
        return "a big-endian ELF file"
    return f"an ELF file for another machine (e_machine {start.machine})"


def _broken(path: Path) -> InputError:
    return InputError(
        f"an ELF file that is cut off: `{path}`", hint="build it, or copy it, once more"
    )


def _no_program(what: str, path: Path) -> NoProgram:
    return NoProgram(f"{what}, not a program: `{path}`", hint="give programs")


def _check_script(start: bytes, path: Path) -> None:
    line, newline, _ = start[:FIRST_LINE].partition(b"\n")
    if not line.removeprefix(SCRIPT).strip():
        raise InputError(
            f"a script that names no interpreter after `#!`: `{path}`",
            hint="say which program runs it, `#!/bin/sh` for example",
        )
    if newline and line.endswith(b"\r"):
        raise InputError(
            f"a script with CRLF line ends, Linux would look for an interpreter with a carriage"
            f" return in its name: `{path}`",
            hint=f"write it with Unix line ends: `sed -i 's/\\r$//' {path}`",
        )
