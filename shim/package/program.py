"""What a file is to a package: a program, and for which architectures, or something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from shim.arch import Arch
from shim.elf import MAGIC, ElfInvalid, ElfNotProgram, ElfTruncated, read_arch
from shim.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

EVERYWHERE = frozenset(Arch)
"""Where a `#!` script runs."""

SCRIPT = b"#!"
FIRST_LINE = 256
"""Bytes that Linux reads to find a script's interpreter (BINPRM_BUF_SIZE)."""


class NoProgram(InputError):
    """A file that nothing starts: text, an image, a shared library."""


class ForeignProgram(NoProgram):
    """An ELF file that no Lambda machine could start: 32-bit, or for another machine."""


def runs_on(file: BinaryIO, path: Path) -> frozenset[Arch]:
    """The architectures that the program starts on: an ELF program's own, every one for a script.

    Raises `NoProgram` for everything else, `InputError` for a program that is broken.
    """
    file.seek(0)
    start = file.read(FIRST_LINE)
    if start.startswith(MAGIC):
        return frozenset({_elf_arch(file, path)})
    if not start.startswith(SCRIPT):
        raise NoProgram(
            f"no program, neither ELF nor a `#!` script: `{path}`",
            hint="give programs, or the folder that holds them together with their other files",
        )
    _check_script(start, path)
    return EVERYWHERE


def is_executable(start: bytes) -> bool:
    """Whether a file that begins with `start` gets the run bit: programs, and private loaders."""
    return start.startswith((MAGIC, SCRIPT))


def _elf_arch(file: BinaryIO, path: Path) -> Arch:
    try:
        return read_arch(file)
    except ElfTruncated as error:
        raise InputError(f"{error}: `{path}`", hint="build it, or copy it, once more") from error
    except ElfNotProgram as error:
        raise NoProgram(f"{error}, not a program: `{path}`", hint="give programs") from error
    except ElfInvalid as error:
        raise ForeignProgram(
            f"{error}, which no Lambda machine starts: `{path}`",
            hint="build it for x86_64 or arm64 (Go: `GOOS=linux GOARCH=arm64`)",
        ) from error


def _check_script(start: bytes, path: Path) -> None:
    line, newline, _ = start.partition(b"\n")
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
