"""An extension's layer that starts on both architectures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.package.entry import Entry, file_entry
from shim.package.function import by_path
from shim.package.inputs import Input, find_files, named_program
from shim.package.launchers import extension_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from shim.arch import Arch

EXTENSIONS = "extensions"
"""Lambda starts every file in this folder of `/opt`."""

EXTENSION_PROGRAMS = ".extensions"
"""Where the programs lie that the script in `extensions` picks from."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def extension_entries(
    name: str, programs: Mapping[Arch, Path], include: Iterable[Input]
) -> list[Entry]:
    """What goes into the layer of the extension `name`. Raises `InputError`."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"an extension can't have this name: `{name}`",
            hint="letters, digits, `.`, `_` and `-`; it is the name that the extension registers",
        )
    entries = [Entry.file(f"{EXTENSIONS}/{name}", extension_script(), mode=0o755)]
    for arch, path in programs.items():
        file = named_program(Input(path=path, name=name))
        if arch not in file.architectures:
            raise InputError(
                f"a program for {' and '.join(file.architectures)}, given for {arch}: `{path}`",
                hint="are the two files the wrong way round?",
            )
        program = f"{EXTENSION_PROGRAMS}/{arch.machine}/{name}"
        entries.append(Entry.file(program, file.source, mode=0o755))
    others = by_path((file.name, file) for file in find_files(include).files)
    for other in others:
        if other.split("/")[0] in {EXTENSIONS, EXTENSION_PROGRAMS}:
            raise InputError(
                f"a file can't go there, Lambda starts all that is in `{EXTENSIONS}`: `{other}`",
                hint="give it another path: `--include NAME=PATH`",
            )
    return entries + [file_entry(other, file) for other, file in others.items()]
