"""What goes into a zip: a name, a mode, and where the bytes come from."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSource:
    """A file on disk, as it was when it was looked at: the archive gets this or nothing."""

    path: Path
    size: int
    sha256: str

    def content(self) -> bytes:
        """All of it. Raises `InputError` where it is not what it was."""
        try:
            with self.path.open("rb") as file:
                # One byte more: a file that grew has changed, however large it is now.
                content = file.read(self.size + 1)
        except OSError as error:
            raise InputError(f"can't read it, {error.strerror}: `{self.path}`") from error
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise InputError(
                f"the file changed while it was being packed: `{self.path}`", hint="pack again"
            )
        return content


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

    def content(self) -> bytes:
        """All of its bytes. Raises `InputError` where a file changed."""
        return self.source if isinstance(self.source, bytes) else self.source.content()
