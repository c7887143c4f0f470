"""Files on every system: what Linux offers and another lacks, each in one place."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HAS_MODES = sys.platform != "win32"
"""Whether a file's mode says who may execute it; Windows makes one up from the file's name."""

_BINARY: int = getattr(os, "O_BINARY", 0)
"""Without it Windows changes line ends on the way."""

_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
_lock = Lock()
_HERE, _EXCHANGE = -100, 2  # fcntl.h: AT_FDCWD, RENAME_EXCHANGE


def read_at(file: int, size: int, at: int) -> bytes:
    """At most `size` bytes of an open file from `at` on; threads may read the same one."""
    if sys.platform != "win32":
        return os.pread(file, size, at)
    with _lock:
        os.lseek(file, at, os.SEEK_SET)
        return os.read(file, size)


def open_cautiously(path: Path) -> int:
    """A descriptor to read from; where the system can, no link is followed, no pipe waited for."""
    return os.open(path, os.O_RDONLY | _NO_LINK | _NO_WAIT | _BINARY)


def open_to_append(path: Path, mode: int) -> int:
    """A descriptor to read and add to a file, which is made if need be; a link is not followed."""
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | _NO_LINK | _BINARY, mode)


def create(path: Path, mode: int) -> int:
    """A descriptor of a new file; `FileExistsError` where there is one."""
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | _BINARY, mode)


def create_nameless(folder: Path, mode: int) -> int | None:
    """A descriptor of a file that is gone with its process; None where there are none such."""
    if sys.platform == "linux":
        with suppress(OSError):  # not every file system has them
            return os.open(folder, os.O_TMPFILE | os.O_RDWR, mode)
    return None


def give_name(descriptor: int, path: Path) -> None:
    """Let what `create_nameless` made be `path`."""
    if sys.platform == "linux":
        # Only with a folder's descriptor does Python call linkat(2), which can follow the link.
        folder = os.open(path.parent, os.O_PATH)
        try:
            link = f"/proc/self/fd/{descriptor}"
            os.link(link, path.name, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)


def make_executable(descriptor: int) -> None:
    """Let everybody execute an open file, where modes say that."""
    if sys.platform != "win32":
        os.fchmod(descriptor, 0o755)


def exchange(one: Path, other: Path) -> None:
    """Let each of two be where the other one is: at once where the system can, else in turn."""
    if sys.platform == "linux":
        import ctypes  # here alone, and slow to import

        libc = ctypes.CDLL(None, use_errno=True)
        with suppress(AttributeError):  # musl's older ones lack it, and some file systems can't
            paths = os.fsencode(one), os.fsencode(other)
            if libc.renameat2(_HERE, paths[0], _HERE, paths[1], _EXCHANGE) == 0:
                return
    aside = one.with_name(f"{one.name}-old")
    other.rename(aside)
    try:
        one.rename(other)
    except OSError:
        aside.rename(other)
        raise
    aside.rename(one)
