"""What was sent and what was answered, line by line: for people, never for going on.

Each line is on the disk before the next call is made. None has a value of the environment, nor what
a function was sent or answered.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shim.document import document, encode
from shim.errors import MachineError
from shim.files import open_to_append, read_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

RECORD_FORMAT = 1
"""Of the lines, each of which is an object; counted up when a reader must know of a change."""


class Record:
    """A file that only grows: one JSON object a line."""

    def __init__(self, path: Path, descriptor: int, *, now: Callable[[], datetime]) -> None:
        """See `open_record`."""
        self._path = path
        self._descriptor = descriptor
        self._now = now

    def write(self, event: str, **content: Any) -> None:
        """Add a line, and come back when it is on the disk; `MachineError` where it can't be."""
        time = self._now().isoformat(timespec="milliseconds")
        line = encode(
            document(RECORD_FORMAT, {"time": time, "event": event, **content}), indent=None
        )
        left = memoryview(f"{line}\n".encode())
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unwritable(self._path, error) from error


@contextmanager
def open_record(path: Path, *, now: Callable[[], datetime]) -> Iterator[Record]:
    """The record at `path`, new or to go on with; what was cut off in its last line goes away."""
    try:
        descriptor = open_to_append(path, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        _end_last_line(path, descriptor)
        yield Record(path, descriptor, now=now)
    finally:
        os.close(descriptor)


def _end_last_line(path: Path, descriptor: int) -> None:
    """A full disk, or a machine that stopped, leaves half a line."""
    try:
        size = os.fstat(descriptor).st_size
        whole = size
        while whole and read_at(descriptor, 1, whole - 1) != b"\n":
            whole -= 1
        if whole < size:
            os.ftruncate(descriptor, whole)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> MachineError:
    return MachineError(
        f"the record can't be written, {error.strerror}: `{path}`",
        hint="nothing is sent without it; the same command goes on once it can be written",
    )
