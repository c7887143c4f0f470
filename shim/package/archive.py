"""Writes zips: the same entries give the same bytes."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold."""

_UNIX = 3  # "version made by": the upper half of the external attributes is a Unix mode
_CHUNK = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSource:
    """A file on disk, as it was when it was looked at: the archive gets this or nothing."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One file of a zip. Of a symbolic link, `source` is the path that it points to."""

    name: str
    mode: int
    """Type and permissions, as in `st_mode`."""
    source: bytes | FileSource

    @classmethod
    def file(cls, name: str, source: bytes | FileSource, *, mode: int) -> Entry:
        """A regular file with the permissions `mode`."""
        return cls(name=name, mode=stat.S_IFREG | mode, source=source)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(self.mode)

    @property
    def size(self) -> int:
        """Bytes, unpacked."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.size


def write_archive(
    file: BinaryIO, entries: Iterable[Entry], *, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Write the entries, sorted by name, as a zip; `progress` hears of every piece's bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for entry in sorted(entries, key=lambda entry: entry.name):
            with archive.open(_header(entry), "w") as target:
                for piece in _pieces(entry.source):
                    target.write(piece)
                    progress(len(piece))


def _header(entry: Entry) -> zipfile.ZipInfo:
    header = zipfile.ZipInfo(entry.name, date_time=FIXED_TIME)
    header.create_system = _UNIX
    header.external_attr = entry.mode << 16
    # A link is stored as it is: build-lambda-zip and Info-ZIP do it, and some readers expect it.
    header.compress_type = zipfile.ZIP_STORED if entry.is_link else zipfile.ZIP_DEFLATED
    header.file_size = entry.size
    return header


def _pieces(source: bytes | FileSource) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    digest = hashlib.sha256()
    try:
        with source.path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
                yield piece
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}: `{source.path}`") from error
    if digest.hexdigest() != source.sha256:
        raise InputError(
            f"the file changed while it was being packed: `{source.path}`", hint="pack again"
        )
