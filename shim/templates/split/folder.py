"""A folder that is there whole or not at all, and never in place of another one."""

from __future__ import annotations

import filecmp
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` that takes its name when the block ends.

    `InputError` where `path` has anything else in it than what was made.
    """
    if not path.resolve().parent.is_dir():
        raise InputError(f"the folder for it is not there: `{path.parent}`")
    if path.exists() and not path.is_dir():
        raise InputError(f"not a folder: `{path}`")
    temporary = path.resolve().with_name(f".shim-{secrets.token_hex(8)}")
    try:
        temporary.mkdir()
        yield temporary
        if path.exists() and any(path.iterdir()):
            if not _is_same(temporary, path):
                raise InputError(
                    f"there is something else in the folder already: `{path}`",
                    hint="name another one, or take it away",
                )
        else:
            temporary.replace(path)
    except OSError as error:
        raise MachineError(f"can't write the folder, {error.strerror}: `{path}`") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_same(one: Path, other: Path) -> bool:
    """Whether both have the same files, byte for byte, and nothing else."""
    ours, theirs = (
        sorted(each.relative_to(top) for each in top.rglob("*")) for top in (one, other)
    )
    files = [str(name) for name in ours if (one / name).is_file()]
    return ours == theirs and filecmp.cmpfiles(one, other, files, shallow=False)[0] == files
