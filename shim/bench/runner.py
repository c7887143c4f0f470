"""Starts a candidate and takes its time: from just before its exec to the handler's beginning."""

from __future__ import annotations

import os
import signal
import socket
import struct
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol

from shim.bench.assembly import HANDLER_STATUS, STAMPS
from shim.bench.candidates import Candidate, lambda_environment
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from resource import struct_rusage

_TIMES = struct.Struct("=6q")
"""Three times in seconds and nanoseconds: the starter's two, and the handler's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One start of one candidate."""

    launch_ns: int
    """From just before the exec of `bootstrap` to the handler's first instruction."""
    stamp_ns: int
    """What taking and writing the time costs; so much of `launch_ns` is that."""
    wall_ns: int
    """From letting the starter go to having the handler's exit status."""
    user_us: int
    """This and what follows: of all processes together, starter and handler among them."""
    system_us: int
    minor_faults: int
    major_faults: int
    blocks_read: int
    """512-byte blocks that came from a disk."""


class Runner(Protocol):
    """Whatever starts candidates: the real one, and the tests' own."""

    def run(self, candidate: Candidate) -> Sample:
        """Start `candidate` once and wait for the handler's end; `MachineError` if it never ran."""


class StartRunner:
    """Starts candidates as Lambda does: own folder, own environment, no shell in between.

    The starter (`baselines/starter.*.S`) waits while `prepare` is told its process number and the
    candidate that it is about to become. The streams are the harness's own.
    """

    def __init__(self, starter: Path, prepare: Callable[[int, Candidate], None]) -> None:
        self._starter = starter
        self._prepare = prepare

    def run(self, candidate: Candidate) -> Sample:
        """See `Runner`."""
        os.chdir(candidate.root)
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = self._spawn(candidate, theirs.fileno())
            try:
                ours.recv(1)
                self._prepare(process, candidate)
                start = perf_counter_ns()
                ours.send(b"\n")
                _, status, usage = os.wait4(process, 0)
                wall = perf_counter_ns() - start
            except BaseException:  # an interruption: nothing is left behind
                _end(process)
                raise
            require_handler(candidate, os.waitstatus_to_exitcode(status))
            return _sample(candidate, ours.recv(_TIMES.size), wall, usage)

    def _spawn(self, candidate: Candidate, stamps: int) -> int:
        return os.posix_spawn(
            self._starter,
            (self._starter, candidate.bootstrap),
            lambda_environment(candidate),
            file_actions=[(os.POSIX_SPAWN_DUP2, stamps, STAMPS)],
        )


def settle(handler: Candidate) -> None:
    """Start the handler once without a clock: what follows meets the same state, whatever ran."""
    closed = [(os.POSIX_SPAWN_CLOSE, STAMPS)]
    process = os.posix_spawn(handler.bootstrap, ["bootstrap"], {}, file_actions=closed)
    os.waitpid(process, 0)


def require_handler(candidate: Candidate, exit_code: int, *, said: str = "") -> None:
    """Raise unless the candidate ended with what the handler alone ends with."""
    if exit_code == HANDLER_STATUS:
        return
    raise MachineError(
        f"the candidate did not start the handler, it ended with {exit_code}: {candidate.name}",
        hint=said.strip() or "`--only` measures without it",
    )


def _sample(candidate: Candidate, stamps: bytes, wall_ns: int, usage: struct_rusage) -> Sample:
    if len(stamps) != _TIMES.size:
        raise MachineError(
            f"the candidate keeps the handler from descriptor {STAMPS}: {candidate.name}",
            hint="`--only` measures without it",
        )
    words = _TIMES.unpack(stamps)
    first, before, begun = (words[i] * 1_000_000_000 + words[i + 1] for i in (0, 2, 4))
    return Sample(
        launch_ns=begun - before,
        stamp_ns=before - first,
        wall_ns=wall_ns,
        user_us=round(usage.ru_utime * 1e6),
        system_us=round(usage.ru_stime * 1e6),
        minor_faults=usage.ru_minflt,
        major_faults=usage.ru_majflt,
        blocks_read=usage.ru_inblock,
    )


def _end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    except (ProcessLookupError, ChildProcessError):
        return
