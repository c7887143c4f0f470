"""A file that is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING

from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from pathlib import Path


def check_output(path: Path) -> Path:
    """Where the file will really be, links followed; refused before any work is done for it."""
    try:
        target = path.resolve()
        folder_is_there = target.parent.is_dir()
        is_taken = target.exists() and not target.is_file()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle (Python < 3.13)
        raise InputError(f"can't write there, {error}") from error
    if not folder_is_there:
        raise InputError(
            f"the output's folder is not there: `{target.parent}`",
            hint=f"make it: `mkdir -p {quote(str(target.parent))}`",
        )
    if is_taken:
        raise InputError(f"the output exists and is not a regular file: `{path}`")
    return target


@contextmanager
def new_file(
    path: Path, *, executable: bool = False, is_secret: bool = False
) -> Iterator[BufferedRandom]:
    """A file that becomes `path` when the block ends; if it fails, nothing has changed.

    What `is_secret` nobody else can read, also where the file before it was open to others.
    """
    target = check_output(path)
    temporary = target.with_name(f".shim-{secrets.token_hex(8)}")
    try:
        with os.fdopen(_create(temporary, 0o600 if is_secret else 0o666), "w+b") as file:
            yield file
            file.flush()
            if executable:
                os.fchmod(file.fileno(), 0o755)
            if not temporary.exists():
                _give_name(file.fileno(), temporary)
        temporary.replace(target)
    except OSError as error:
        raise MachineError(f"can't write the file, {error.strerror}: `{path}`") from error
    finally:
        temporary.unlink(missing_ok=True)


def _create(temporary: Path, mode: int) -> int:
    """A new file; without a name where the file system can, so that SIGKILL leaves nothing."""
    try:
        return os.open(temporary.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
    except (AttributeError, OSError):
        return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, mode)


def _give_name(descriptor: int, path: Path) -> None:
    # Only with a folder's descriptor does Python call linkat(2), which alone can follow the link.
    folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        os.link(f"/proc/self/fd/{descriptor}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
