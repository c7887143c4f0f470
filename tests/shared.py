"""What a machine has once, while several runs of the tests want it at the same time.

Who holds what is known by locks on open files, which the kernel frees however a process ends: a
file that lies there says nothing.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOCKS = Path("/run/lock")
"""One folder for every checkout and user of the machine, which nobody tidies up meanwhile."""


@contextmanager
def alone(name: str) -> Iterator[None]:
    """While this is open, nobody else on this machine has `name`; waits for whoever does."""
    with _opened(name) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(name: str, *, start: Callable[[], object], end: Callable[[], object]) -> Iterator[None]:
    """While this is open, `name` is there: `start` sees to that, and the last to leave calls `end`.

    `start` may find it there, also where its last user was killed.
    """
    with _opened(f"{name}-users") as users:
        with alone(name):
            fcntl.flock(users, fcntl.LOCK_SH)
            start()
        try:
            yield
        finally:
            with alone(name):
                if _has_no_other(users):
                    end()


@contextmanager
def _opened(name: str) -> Iterator[int]:
    """The file of a lock, made if it isn't there; another user's can be locked too."""
    path = LOCKS / f"shim-test-{name}"
    while True:
        try:
            # Not both in one call: in such a folder Linux refuses that for another user's file.
            number = os.open(path, os.O_RDONLY)
            break
        except FileNotFoundError:
            try:
                number = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644)
                break
            except FileExistsError:
                continue
    try:
        yield number
    finally:
        os.close(number)


def _has_no_other(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
