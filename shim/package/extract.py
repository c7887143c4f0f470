"""Unpacks a package, or a layer, as Lambda does; what is in it is not trusted."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from itertools import takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shim.errors import InputError, MachineError
from shim.package.contents import Unreadable
from shim.package.limits import format_size, read_limits
from shim.package.names import parts_of
from shim.package.read import read_package

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.package.read import Entry, Package

LINK_ROOTS = ("/var/task", "/opt", "/tmp")  # noqa: S108 - the function's folder, never opened here
"""Where an absolute link may lead: the folders that Lambda gives to a function."""

_INPUT_ERRNOS = {errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL}
_LINK_LIMIT = 4096  # Linux: PATH_MAX
_NAME_LIMIT = 255  # Linux: NAME_MAX


def unpack(source: Path, into: Path, *, limit: int) -> int:
    """Lay the zip or folder `source` over the folder `into`; returns the bytes that its files have.

    Raises `InputError` where a name or a link leads out of the package, where it has more than
    `limit` bytes, and where it can't be read. Nothing is ever written outside of `into`.
    """
    package = read_package(source)
    with naming(source):
        total = check_size(package, limit=limit)
        _write(list(sound_entries(package)), into)
    return total


def read_head(source: Path, name: str, size: int) -> bytes:
    """The first `size` bytes of the file `name` in the zip or folder `source`; none without it."""
    entry = read_package(source).names.get(name)
    with naming(source):
        return entry.read(0, size) if entry and not stat.S_ISDIR(entry.kind) else b""


def check_size(package: Package, *, limit: int) -> int:
    """The bytes that its files have; raises `InputError` where that is more than `limit`."""
    total = sum(entry.size for entry in package.entries if not stat.S_ISDIR(entry.kind))
    if total > limit:
        raise InputError(
            f"{total:,} bytes unzipped are more than the {limit:,} that are left",
            hint=f"Lambda takes {format_size(read_limits().unzipped)}, layers included",
        )
    return total


@contextmanager
def naming(source: Path) -> Iterator[None]:
    """Name `source` in each error, and say whose fault it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{error.message}: {source}", hint=error.hint) from error
    except (Unreadable, ValueError) as error:
        raise InputError(f"could not unpack ({error}): {source}") from error
    except OSError as error:
        cause = InputError if error.errno in _INPUT_ERRNOS else MachineError
        raise cause(f"could not unpack ({error.strerror}): {source}") from error


def sound_entries(package: Package) -> Iterator[tuple[str, Entry]]:
    """Each entry and its path in the package; raises `InputError` for what can't be unpacked."""
    if package.problem:
        raise InputError(
            f"this zip can't be unpacked everywhere, {package.problem}", hint="make it again"
        )
    for entry in package.entries:
        parts = parts_of(entry.name)
        if entry.name.startswith("/") or ".." in parts:
            raise InputError(f"the name `{entry.name}` leads out of the package")
        if any(len(os.fsencode(part)) > _NAME_LIMIT for part in parts):
            raise InputError(f"`{entry.name}` has a longer name than Linux takes")
        if entry.problem:
            raise InputError(
                f"`{entry.name}` can't be unpacked, {entry.problem}", hint="make the zip again"
            )
        if stat.S_ISLNK(entry.kind):
            check_link(link_text(entry), entry.name, depth=len(parts) - 1)
        elif not stat.S_ISREG(entry.kind) and not stat.S_ISDIR(entry.kind):
            raise InputError(f"`{entry.name}` is neither a file, a folder nor a link")
        yield "/".join(parts), entry


def _write(entries: list[tuple[str, Entry]], into: Path) -> None:
    """Write `entries`, an earlier call's files giving way; folders get their modes at the end."""
    folders: dict[Path, int] = {}
    written: set[Path] = set()
    for path, entry in entries:
        target = into / path
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            _make_folder(into / folder, entry.name)
        if stat.S_ISDIR(entry.kind):
            _make_folder(target, entry.name)
            folders[target] = entry.mode
            continue
        if target in written:
            raise InputError(f"`{entry.name}` is there twice")
        written.add(target)
        _make_way(target, entry.name)
        _write_entry(entry, target)
    for target in sorted(folders, reverse=True):
        target.chmod(folders[target])


def _make_folder(path: Path, name: str) -> None:
    """Real folders all the way: never through a link."""
    try:
        path.mkdir()
    except FileExistsError:
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise InputError(f"`{name}` needs a folder where there is a file or a link") from None


def _make_way(target: Path, name: str) -> None:
    try:
        target.unlink(missing_ok=True)
    except IsADirectoryError:
        raise InputError(f"`{name}` is a file, and a folder too") from None


def _write_entry(entry: Entry, target: Path) -> None:
    if stat.S_ISLNK(entry.kind):
        target.symlink_to(link_text(entry))
        return
    try:
        with target.open("xb") as file:
            for piece in entry.pieces():
                file.write(piece)
    except Unreadable as error:
        target.unlink()
        raise InputError(f"`{entry.name}` can't be unpacked, {error}") from error
    target.chmod(entry.mode)


def link_text(entry: Entry) -> str:
    """Where a link leads; raises `InputError` for more than Linux takes."""
    if entry.size >= _LINK_LIMIT:
        raise InputError(f"the link `{entry.name}` is longer than Linux takes")
    try:
        return os.fsdecode(entry.whole())
    except Unreadable as error:
        raise InputError(f"`{entry.name}` can't be unpacked, {error}") from error


def check_link(text: str, name: str, *, depth: int) -> str:
    """`text`, where it can lead nowhere else than into the function's own folders.

    A `..` may only stand at the beginning, and only as often as the link lies deep: what a `..`
    behind another name means depends on the links that are met on the way.
    """
    parts = PurePosixPath(text).parts
    up = len(tuple(takewhile("..".__eq__, parts)))
    inside = any(PurePosixPath(text).is_relative_to(root) for root in LINK_ROOTS)
    is_fine = inside if text.startswith("/") else bool(text) and up <= depth
    if "\0" in text:
        raise InputError(f"the link `{name}` has a null byte in it")
    if not is_fine or ".." in parts[up:]:
        raise InputError(f"the link `{name}` leads out of the package: `{text}`")
    return text
