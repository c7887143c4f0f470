"""Unpacks a package, or a layer, as Lambda does; what is in it is not trusted."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from shim.errors import InputError, MachineError
from shim.package.limits import format_size, read_limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LINK_ROOTS = ("/var/task", "/opt", "/tmp")  # noqa: S108 - the function's folder, never opened here
"""Where an absolute link may lead: the folders that Lambda gives to a function."""

_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)
_INPUT_ERRNOS = {errno.ENOENT, errno.ENAMETOOLONG, errno.EINVAL}
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedEntry:
    """One name in a package; `kind` is one of stat's `S_IF…`, `size` is in bytes."""

    name: str
    kind: int
    mode: int
    size: int
    open: Callable[[], IO[bytes]]


def unpack(source: Path, into: Path, *, limit: int) -> int:
    """Lay the zip or folder `source` over the folder `into`; returns the bytes that its files have.

    Raises `InputError` where a name or a link leads out of the package, where it has more than
    `limit` bytes, and where it can't be read. Nothing is ever written outside of `into`.
    """
    with reading(source):
        if source.is_dir():
            return _write(_folder_entries(source), into, limit=limit)
        with zipfile.ZipFile(source) as archive:
            return _write(zip_entries(archive), into, limit=limit)


def read_head(source: Path, name: str, size: int) -> bytes:
    """The first `size` bytes of the file `name` in the zip or folder `source`; none without it."""
    with reading(source):
        try:
            if source.is_dir():
                with (source / name).open("rb") as file:
                    return file.read(size)
            with zipfile.ZipFile(source) as archive:
                for entry in zip_entries(archive):
                    if entry.name == name:
                        with entry.open() as member:
                            return member.read(size)
        except (FileNotFoundError, IsADirectoryError):
            pass
        return b""


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Name `source` in each error, and say whose fault it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{error.message}: {source}", hint=error.hint) from error
    except _UNREADABLE as error:
        raise InputError(
            f"this is no zip that can be read ({error}): {source}",
            hint="give a function's zip, or a folder with the same files in it",
        ) from error
    except OSError as error:
        cause = InputError if error.errno in _INPUT_ERRNOS else MachineError
        raise cause(f"could not unpack ({error.strerror}): {source}") from error


def zip_entries(archive: zipfile.ZipFile) -> Iterator[PackedEntry]:
    """What is in the zip, in its order; refuses what can't be read."""
    for info in archive.infolist():
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise InputError(f"`{info.filename}` is encrypted, or neither stored nor deflated")
        mode = info.external_attr >> 16
        is_folder = info.filename.endswith("/")
        yield PackedEntry(
            name=info.filename,
            kind=stat.S_IFMT(mode) or (stat.S_IFDIR if is_folder else stat.S_IFREG),
            # Zips made on Windows know no modes.
            mode=mode & 0o777 or (0o755 if is_folder else 0o644),
            size=info.file_size,
            open=partial(archive.open, info),
        )


def _folder_entries(folder: Path) -> Iterator[PackedEntry]:
    for parent, folders, files in os.walk(folder, onerror=_raise):
        for name in sorted(folders + files):
            path = Path(parent, name)
            status = path.lstat()
            yield PackedEntry(
                name=str(path.relative_to(folder)),
                kind=stat.S_IFMT(status.st_mode),
                mode=status.st_mode & 0o777,
                size=status.st_size if stat.S_ISREG(status.st_mode) else 0,
                open=partial(_open_path, path),
            )


def _open_path(path: Path) -> IO[bytes]:
    return BytesIO(os.fsencode(path.readlink())) if path.is_symlink() else path.open("rb")


def _raise(error: OSError) -> None:
    raise error


def _write(entries: Iterable[PackedEntry], into: Path, *, limit: int) -> int:
    """Write `entries`, an earlier call's files giving way; folders get their modes at the end."""
    entries = tuple(entries)
    total = sum(entry.size for entry in entries)
    if total > limit:
        raise InputError(
            f"{total:,} bytes unzipped are more than the {limit:,} that are left",
            hint=f"Lambda takes {format_size(read_limits().unzipped)}, layers included",
        )
    folders: dict[Path, int] = {}
    written: set[Path] = set()
    for entry in entries:
        target = _target(into, entry.name)
        if stat.S_ISDIR(entry.kind):
            _make_folder(target, entry.name)
            folders[target] = entry.mode
            continue
        if target in written:
            raise InputError(f"`{entry.name}` is there twice")
        written.add(target)
        _make_way(target, entry.name)
        _write_entry(entry, target, depth=len(target.relative_to(into).parts) - 1)
    for folder in sorted(folders, reverse=True):
        folder.chmod(folders[folder])
    return total


def _target(into: Path, name: str) -> Path:
    """Where `name` belongs below `into`, with real folders all the way: never through a link."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts:
        raise InputError(f"the name `{name}` leads out of the package")
    for depth in range(1, len(parts)):
        _make_folder(into.joinpath(*parts[:depth]), name)
    return into.joinpath(*parts)


def _make_folder(path: Path, name: str) -> None:
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


def _write_entry(entry: PackedEntry, target: Path, *, depth: int) -> None:
    if stat.S_ISLNK(entry.kind):
        target.symlink_to(check_link(link_text(entry), entry.name, depth=depth))
        return
    if not stat.S_ISREG(entry.kind):
        raise InputError(f"`{entry.name}` is neither a file, a folder nor a link")
    with entry.open() as data, target.open("xb") as file:
        shutil.copyfileobj(data, file, 1 << 20)
    target.chmod(entry.mode)


def link_text(entry: PackedEntry) -> str:
    """Where a link leads, as far as Linux takes it; what the entry announces may be gigabytes."""
    with entry.open() as text:
        return os.fsdecode(text.read(os.pathconf("/", "PC_PATH_MAX")))


def check_link(text: str, name: str, *, depth: int) -> str:
    """`text`, where it can lead nowhere else than into the function's own folders.

    A `..` may only stand at the beginning, and only as often as the link lies deep: what a `..`
    behind another name means depends on the links that are met on the way.
    """
    parts = PurePosixPath(text).parts
    up = len(tuple(takewhile("..".__eq__, parts)))
    inside = any(PurePosixPath(text).is_relative_to(root) for root in LINK_ROOTS)
    is_fine = inside if text.startswith("/") else bool(text) and up <= depth
    if not is_fine or ".." in parts[up:]:
        raise InputError(f"the link `{name}` leads out of the package: `{text}`")
    return text
