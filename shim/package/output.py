"""A file that is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from shlex import quote
from typing import TYPE_CHECKING

from shim.errors import InputError, MachineError
from shim.files import create, create_nameless, give_name, make_executable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from pathlib import Path


def check_output(path: Path) -> Path:
    """Where the file will really be; refused before any work is done for it."""
    target = real_output(path)
    if target.exists() and not target.is_file():
        raise InputError(f"the output exists and is not a regular file: `{path}`")
    return target


def real_output(path: Path) -> Path:
    """Where a file or folder will really be, links followed; the folder around it has to be."""
    try:
        target = path.resolve()
        folder_is_there = target.parent.is_dir()
        target.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle (Python < 3.13)
        raise InputError(f"can't write there, {error}") from error
    if not folder_is_there:
        raise InputError(
            f"the output's folder is not there: `{target.parent}`",
            hint=f"make it: `mkdir -p {quote(str(target.parent))}`",
        )
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
    mode = 0o600 if is_secret else 0o666
    try:
        # Without a name where the file system can, so that SIGKILL leaves nothing.
        nameless = create_nameless(target.parent, mode)
        with os.fdopen(create(temporary, mode) if nameless is None else nameless, "w+b") as file:
            yield file
            file.flush()
            if executable:
                make_executable(file.fileno())
            if nameless is not None:
                give_name(file.fileno(), temporary)
        temporary.replace(target)
    except OSError as error:
        raise MachineError(f"can't write the file, {error.strerror}: `{path}`") from error
    finally:
        temporary.unlink(missing_ok=True)
