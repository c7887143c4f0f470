"""Writes a package that is so far only other packages' entries: the whole zip, or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.package.entry import Entry as NewEntry
from shim.package.entry import PackedSource
from shim.package.function import write_zip
from shim.package.read import Package, read_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def write_package(package: Package, *, progress: Callable[[int], None] = lambda _: None) -> Package:
    """Write `package` to its own path, and read it back; the same entries give the same bytes.

    Raises `InputError` where a file that it is made of is not what it was when it was read.
    """
    entries = [
        NewEntry(
            name=entry.name,
            mode=entry.kind | entry.mode,
            source=PackedSource.of(entry),
        )
        for entry in package.entries
    ]
    path = Path(package.path)
    write_zip(path, entries, progress=progress)
    return read_package(path)


def check_apart(path: Path, packages: Iterable[Package]) -> None:
    """Refuse to write over one of the packages that a bridge is made of."""
    for package in packages:
        if path.resolve() == Path(package.path).resolve():
            raise InputError(
                f"the bridge would take the place of what it is made of: `{path}`",
                hint="let it be written somewhere else: `--bridge FOLDER`",
            )
