"""The page cache: dropped before a cold start, and how far ahead the kernel reads for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import MachineError

if TYPE_CHECKING:
    from shim.bench.candidates import Candidate

DROP_CACHES = Path("/proc/sys/vm/drop_caches")
_PAGES_ONLY = "1"
"""Of Documentation/admin-guide/sysctl/vm.rst: page cache, without directory entries and inodes."""


class PageCache:
    """Drops what memory holds of a candidate's files, or of all files where that is allowed."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    @classmethod
    def of_this_machine(cls) -> PageCache:
        """Whole for root; otherwise the candidate's own files only."""
        os.sync()  # only what is written to the disk can be dropped
        return cls(whole=os.access(DROP_CACHES, os.W_OK))

    @property
    def method(self) -> str:
        """For the record: what was dropped, and how."""
        return "drop_caches" if self._whole else "posix_fadvise"

    def drop(self, candidate: Candidate) -> None:
        """Make the next start of `candidate` read its files from the disk."""
        if self._whole:
            DROP_CACHES.write_text(_PAGES_ONLY)
            return
        for folder in (candidate.root, candidate.root.parent / "shells"):
            for path in folder.rglob("*"):
                if path.is_file():
                    _drop_file(path)


def _drop_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def read_ahead_file(folder: Path) -> Path | None:
    """Where the kernel has the read-ahead of the disk that `folder` is on; None without a disk."""
    device = folder.stat().st_dev
    entry = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    for block in (entry, entry.parent):  # a partition has none, its disk has
        path = block / "queue" / "read_ahead_kb"
        if path.exists():
            return path
    return None


def read_ahead(folder: Path) -> int | None:
    """Kilobytes that the kernel reads ahead on the disk of `folder`."""
    path = read_ahead_file(folder)
    return None if path is None else int(path.read_text())


def set_read_ahead(folder: Path, kilobytes: int) -> None:
    """Change it; the caller has seen to it that the old value comes back."""
    path = read_ahead_file(folder)
    if path is None:
        raise MachineError(f"there is no disk with a read-ahead below: {folder}")
    try:
        path.write_text(str(kilobytes))
    except OSError as error:
        raise MachineError(
            f"the read-ahead can't be set: {error}", hint="run as root, or without `--read-ahead`"
        ) from error
