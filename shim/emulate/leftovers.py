"""Containers whose owner was killed: known by a file that nobody holds locked any more."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.emulate.image import Engine


@contextmanager
def owner(engine: Engine, folder: Path) -> Iterator[str]:
    """A mark for containers, as long as this is open; what the dead have left is removed first.

    The system frees a lock however its process ends; of marks that have no file in `folder`, as of
    another machine or user, nothing is known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for container, mark in engine.marked().items():
        if _is_left(folder / mark):
            engine.remove(container)
    mark = uuid.uuid4().hex
    with FileLock(folder / mark):
        yield mark
    (folder / mark).unlink(missing_ok=True)


def _is_left(lock: Path) -> bool:
    try:
        if lock.is_file():
            with FileLock(lock, timeout=0):
                return True
    except Timeout:
        pass
    return False
