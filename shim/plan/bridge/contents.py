"""What is in a package, by path, and what two of them make together."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shim.elf import MAGIC, ElfInvalid
from shim.errors import InputError
from shim.package.contents import MemoryContent, Unreadable
from shim.package.executables import elf_start, first_bytes
from shim.package.names import parts_of
from shim.package.program import SCRIPT
from shim.package.read import Entry
from shim.text import text_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shim.arch import Arch
    from shim.package.read import Package

Files = dict[str, Entry]
"""Files and links by path."""


class Conflict(InputError):
    """Two files that are both needed, for one path."""


def files_of(*packages: Package) -> Files:
    """Every file and link of the packages; what a later one has counts, as it does with layers."""
    files: Files = {}
    for package in packages:
        for entry in package.entries:
            parts = parts_of(entry.name)
            if parts and not stat.S_ISDIR(entry.kind):
                files["/".join(parts)] = entry
    return files


def united(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Files:
    """The files of both; raises `Conflict` where one path has two."""
    files = dict(old)
    for path, entry in new.items():
        other = files.setdefault(path, entry)
        if not is_same(other, entry):
            raise Conflict(
                f"both have a file at `{path}`, with other content, and it can't be told which"
                " of the two is needed"
            )
        if other.mode != entry.mode:
            files[path] = replace(entry, mode=other.mode | entry.mode)
    return files


def check_paths(files: Iterable[str]) -> None:
    """Raise where a file stands in the way of a folder, or a name can't be written into a zip."""
    paths = set(files)
    for path in sorted(paths):
        if problem := text_problem(path):
            raise InputError(f"a file's name can't be in a zip, {problem}: {path!r}")
        for folder in PurePosixPath(path).parents:
            if str(folder) in paths:
                raise Conflict(f"`{folder}` would be a file, and the folder of `{path}` as well")


def is_same(one: Entry, other: Entry) -> bool:
    """Whether two entries have one kind and the same bytes."""
    if one is other:
        return True
    if (one.kind, one.size) != (other.kind, other.size):
        return False
    try:
        return one.whole() == other.whole()
    except Unreadable:
        return False


def starts_on(entry: Entry, arch: Arch, *, own: Arch) -> bool:
    """Whether a program is for `arch`; a script, which may start anything, for its `own` alone."""
    start = first_bytes(entry)
    if start.startswith(SCRIPT):
        return arch is own
    try:
        return start.startswith(MAGIC) and elf_start(entry).arch is arch
    except (ElfInvalid, Unreadable):
        return False


def made(name: str, data: bytes) -> Entry:
    """A program of ours."""
    content = MemoryContent(data=data)
    return Entry(name=name, kind=stat.S_IFREG, mode=0o755, size=len(data), content=content)


def moved(entry: Entry, name: str) -> Entry:
    """The same program, at another path."""
    return replace(entry, name=name, mode=0o755)


def link(name: str, target: str) -> Entry:
    """A link in a package from one path to another."""
    text = os.path.relpath(target, PurePosixPath(name).parent).encode(errors="surrogateescape")
    content = MemoryContent(data=text)
    return Entry(name=name, kind=stat.S_IFLNK, mode=0o777, size=len(text), content=content)
