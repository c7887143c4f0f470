"""Downloaded zips on disk, by their hash: each stays for the next run, as long as there is room."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from shim.aws.download import hexadecimal, zip_name
from shim.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 20 << 30
"""Bytes that are kept."""


class Store:
    """A folder of zips, in which what was used last stays longest."""

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        self.folder = folder
        self._limit = limit

    def path(self, sha256: str) -> Path:
        """Where the zip lies, or would, that has this hash as Lambda shows it."""
        return self.folder / zip_name(hexadecimal(Field(value=sha256, json_path="CodeSha256")))

    def sha256(self, path: Path) -> str | None:
        """The hash, as Lambda shows it, of a zip that lies here; None for any other."""
        if path.parent != self.folder:
            return None
        return b64encode(bytes.fromhex(path.stem)).decode()

    def trim(self, in_use: Iterable[Path]) -> None:
        """Let what wasn't used for longest go until the rest fits; never what is in use."""
        kept = set(in_use)
        found = [(one.stat(), Path(one)) for one in _zips(self.folder)]
        size = sum(status.st_size for status, _ in found)
        for status, path in sorted(found, key=lambda one: one[0].st_mtime):
            if size <= self._limit:
                return
            if path not in kept:
                path.unlink(missing_ok=True)
                size -= status.st_size


def touch(path: Path) -> Path:
    """The same path, used now."""
    os.utime(path)
    return path


def _zips(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [one for one in entries if one.name.endswith(".zip") and one.is_file()]
