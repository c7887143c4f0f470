"""Starts a program with exactly the words and variables given, as no shell or library would."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROBE_STATUS = 42
"""What the probe, and nothing else here, exits with."""

_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a start ended: `status` is an exit status, or minus the number of a signal."""

    process: int
    status: int
    output: bytes
    errors: bytes

    @property
    def report(self) -> dict[str, Any]:
        """The one line on standard error; anything else there fails the test."""
        line = self.errors.decode()
        assert line.endswith("\n")
        assert line.count("\n") == 1
        loaded: dict[str, Any] = json.loads(line)
        return loaded

    @property
    def probe(self) -> tuple[int, list[bytes], list[bytes]]:
        """What the probe saw: its process id, its words, its variables."""
        assert self.errors == b""
        assert self.status == PROBE_STATUS
        process, *rest = self.output.split(b"\0")
        end = rest.index(b"")
        words, variables = rest[:end], rest[end + 1 : -1]
        return int(process), [item[1:] for item in words], [item[1:] for item in variables]


def start(
    program: Path | str,
    words: Sequence[bytes] = (b"bootstrap",),
    variables: Sequence[bytes] = (),
    *,
    seconds: float = 60,
) -> Outcome:
    """Start `program` and wait for it; a start that takes `seconds` is ended and so seen."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = _spawn(os.fsencode(program), words, variables, (output.fileno(), errors.fileno()))
        timer = threading.Timer(seconds, os.kill, (process, signal.SIGKILL))
        timer.start()
        _, status = os.waitpid(process, 0)
        timer.cancel()
        output.seek(0)
        errors.seek(0)
        return Outcome(
            process=process,
            status=os.waitstatus_to_exitcode(status),
            output=output.read(),
            errors=errors.read(),
        )


def _spawn(
    program: bytes, words: Sequence[bytes], variables: Sequence[bytes], files: tuple[int, int]
) -> int:
    actions = ctypes.create_string_buffer(256)
    process = ctypes.c_int()
    _LIBC.posix_spawn_file_actions_init(actions)
    for number, file in enumerate(files, start=1):
        _LIBC.posix_spawn_file_actions_adddup2(actions, file, number)
    error = _LIBC.posix_spawn(
        ctypes.byref(process), program, actions, None, _array(words), _array(variables)
    )
    _LIBC.posix_spawn_file_actions_destroy(actions)
    if error:
        raise OSError(error, os.strerror(error), program)
    return process.value


def _array(items: Sequence[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * (len(items) + 1))(*items, None)
