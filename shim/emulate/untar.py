"""Lays out the tar of a root file system, which is not trusted."""

from __future__ import annotations

import tarfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

from shim.package.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SIZE_LIMIT = 4 << 30
"""Bytes of an image's files: Lambda takes images of 10 GB, a runtime has some hundred MB."""


def unpack_tar(pieces: Iterable[bytes], into: Path) -> None:
    """Lay a tar's files, folders and links into the empty folder `into`.

    A name counts only below a folder that the tar itself has, so that nothing goes through a link;
    what is there twice counts once. Devices are left out. `TarError` where it is too large.
    """
    folders: set[tuple[str, ...]] = {()}
    left = _SIZE_LIMIT
    with tarfile.open(fileobj=cast("IO[bytes]", Pieces(pieces)), mode="r|") as tar:
        for member in tar:
            parts = tuple(part for part in member.name.split("/") if part not in {"", "."})
            path = into.joinpath(*parts)
            if ".." in parts or parts[:-1] not in folders or path.is_symlink() or path.exists():
                continue
            left -= member.size
            if left < 0:
                raise tarfile.TarError("it is larger than any runtime")
            if member.isdir():
                path.mkdir()
                folders.add(parts)
            elif member.issym():
                path.symlink_to(member.linkname)
            elif member.islnk():
                _link(into, member.linkname, path)
            elif (file := tar.extractfile(member)) is not None:
                path.write_bytes(file.read())
                path.chmod(member.mode & 0o777 | 0o400)


def _link(into: Path, target: str, path: Path) -> None:
    """A second name of a file that the tar had before."""
    parts = [part for part in target.split("/") if part not in {"", "."}]
    source = into.joinpath(*parts)
    if ".." not in parts and source.resolve() == into.resolve().joinpath(*parts):
        with suppress(FileNotFoundError):
            path.hardlink_to(source)
