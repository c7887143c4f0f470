"""Files that only stand for what should be there: a checkout's work that was left undone."""

from __future__ import annotations

import os.path
import stat
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shim.package.contents import Unreadable

if TYPE_CHECKING:
    from shim.package.read import Entry, Package

_LINK_LIMIT = 1024
_POINTERS = (b"version https://git-lfs.github.com/spec/v1\n", b"version https://hawser.github.com/")
_POINTER_LIMIT = 1024
"""Bytes of a pointer file, and how it begins (git-lfs's specification of them)."""


def is_lfs_pointer(entry: Entry) -> bool:
    """Whether it is what Git has of a file that lies in Git LFS."""
    return _text(entry, _POINTER_LIMIT).startswith(_POINTERS)


def link_in_text(package: Package, entry: Entry) -> str | None:
    """The file there that it would lead to if it were a link, as which Git on Windows writes it.

    None for what is a link, or has something else in it than one entry's path.
    """
    text = _text(entry, _LINK_LIMIT)
    if not text or any(character in text for character in b"\n\0"):
        return None
    target = os.path.normpath(
        PurePosixPath(entry.name).parent / text.decode(errors="surrogateescape")
    )
    is_other = target != os.path.normpath(entry.name)
    return target if is_other and package.names.get(target) else None


def _text(entry: Entry, limit: int) -> bytes:
    """All of a file of at most `limit` bytes; else, and where it can't be read, nothing."""
    if not stat.S_ISREG(entry.kind) or entry.size > limit:
        return b""
    try:
        return entry.read(0, limit)
    except Unreadable:
        return b""
