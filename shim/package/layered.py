"""Packages over each other, as one tar: for a machine that can't be shown a folder of this one."""

from __future__ import annotations

import io
import stat
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from shim.errors import InputError
from shim.package.extract import check_size, link_text, naming, sound_entries
from shim.package.pieces import Pieces
from shim.package.read import read_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from shim.package.read import Entry

    Change = Callable[[bytes], bytes]
    """What is made of a file's first bytes; as many."""

_HEAD = 4096
_FOLDER_MODE = 0o755


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What is at one path."""

    source: Path
    entry: Entry | None
    """None: a folder that no entry names."""

    @property
    def is_folder(self) -> bool:
        """Whether more can be below it."""
        return self.entry is None or stat.S_ISDIR(self.entry.kind)


def lay_over(sources: Sequence[Path], *, limit: int) -> tuple[dict[str, Placed], int]:
    """What is where when `sources`, zips or folders, lie over each other; and the bytes of it all.

    Each folder comes before what is in it. Raises `InputError` for what `unpack` refuses.
    """
    placed: dict[str, Placed] = {}
    total = 0
    for source in sources:
        package = read_package(source)
        with naming(source):
            total += check_size(package, limit=limit - total)
            own: set[str] = set()
            for path, entry in sound_entries(package):
                _place(placed, own, path, entry, source=source)
    return dict(sorted(placed.items())), total


def write_tar(
    placed: dict[str, Placed], tar: tarfile.TarFile, root: str, *, change: Change
) -> None:
    """Add these below `root`, root's own, `change` being asked about each file."""
    for path, one in placed.items():
        member = tarfile.TarInfo(str(PurePosixPath(root, path)))
        member.mode = one.entry.mode if one.entry else _FOLDER_MODE
        with naming(one.source):
            if one.entry is None or one.is_folder:
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            elif stat.S_ISLNK(one.entry.kind):
                member.type, member.linkname = tarfile.SYMTYPE, link_text(one.entry)
                tar.addfile(member)
            else:
                member.size = one.entry.size
                file = Pieces(_changed(one.entry.pieces(), change))
                tar.addfile(member, cast("IO[bytes]", file))


def add_file(tar: tarfile.TarFile, name: str, data: bytes, *, mode: int) -> None:
    """Add one file, root's own."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), mode
    tar.addfile(member, io.BytesIO(data))


def _place(
    placed: dict[str, Placed], own: set[str], path: str, entry: Entry, *, source: Path
) -> None:
    """Put one entry where an earlier package's gives way; `own` are the files of the same one."""
    new = Placed(source=source, entry=entry)
    for folder in reversed(PurePosixPath(path).parents[:-1]):
        _place_folder(placed, str(folder), Placed(source=source, entry=None), entry.name)
    if new.is_folder:
        _place_folder(placed, path, new, entry.name)
        return
    if path in own:
        raise InputError(f"`{entry.name}` is there twice")
    if path in placed and placed[path].is_folder:
        raise InputError(f"`{entry.name}` is a file, and a folder too")
    own.add(path)
    placed[path] = new


def _place_folder(placed: dict[str, Placed], path: str, new: Placed, name: str) -> None:
    there = placed.get(path)
    if there and not there.is_folder:
        raise InputError(f"`{name}` needs a folder where there is a file or a link")
    if there is None or new.entry:
        placed[path] = new


def _changed(pieces: Iterator[bytes | bytearray], change: Change) -> Iterator[bytes]:
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD:
            break
    yield change(head)
    yield from map(bytes, pieces)
