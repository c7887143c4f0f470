"""Starts a candidate and takes its time: from just before the spawn to the handler's exit."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol

from shim.bench.assembly import HANDLER_STATUS
from shim.bench.candidates import Candidate, lambda_environment
from shim.bench.statistics import summarize
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from resource import struct_rusage


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One start of one candidate, all its processes together."""

    wall_ns: int
    user_us: int
    system_us: int
    minor_faults: int
    major_faults: int
    blocks_read: int
    """512-byte blocks that came from a disk."""


class Runner(Protocol):
    """Whatever starts candidates: the real ones, and the tests' own."""

    def run(self, candidate: Candidate) -> Sample:
        """Start `candidate` once and wait for the handler's end; `MachineError` if it never ran."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """The arguments of a spawn, made beforehand so that they cost nothing while the clock runs."""

    root: str
    path: bytes
    environment: dict[bytes, bytes]

    @classmethod
    def of(cls, candidate: Candidate) -> Call:
        """What starts `candidate` as Lambda would."""
        environment = lambda_environment(candidate).items()
        return cls(
            root=str(candidate.root),
            path=bytes(candidate.bootstrap),
            environment={name.encode(): value.encode() for name, value in environment},
        )


class SpawnRunner:
    """Starts candidates as Lambda does: own folder, own environment, no shell in between.

    Their streams are the harness's own: every redirection would be in the figures.
    """

    def __init__(self, prepare: Callable[[Candidate], None]) -> None:
        self._prepare = prepare

    def run(self, candidate: Candidate) -> Sample:
        """See `Runner`."""
        call = Call.of(candidate)
        os.chdir(call.root)
        self._prepare(candidate)
        arguments = [call.path]
        start = perf_counter_ns()
        process = os.posix_spawn(call.path, arguments, call.environment)
        status, usage = reap(process)
        end = perf_counter_ns()
        require_handler(candidate, os.waitstatus_to_exitcode(status))
        return Sample(
            wall_ns=end - start,
            user_us=round(usage.ru_utime * 1e6),
            system_us=round(usage.ru_stime * 1e6),
            minor_faults=usage.ru_minflt,
            major_faults=usage.ru_majflt,
            blocks_read=usage.ru_inblock,
        )


def settle(handler: Candidate) -> None:
    """Start the handler once without a clock: what follows meets the same state, whatever ran."""
    reap(os.posix_spawn(handler.bootstrap, ["bootstrap"], {}))


def reap(process: int) -> tuple[int, struct_rusage]:
    """Wait for a child: its wait status, and what it used. An interruption ends the child too."""
    try:
        _, status, usage = os.wait4(process, 0)
    except BaseException:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(process, signal.SIGKILL)
            os.wait4(process, 0)
        raise
    return status, usage


def require_handler(candidate: Candidate, exit_code: int, *, said: str = "") -> None:
    """Raise unless the candidate ended with what the handler alone ends with."""
    if exit_code == HANDLER_STATUS:
        return
    raise MachineError(
        f"the candidate did not start the handler, it ended with {exit_code}: {candidate.name}",
        hint=said.strip() or "`--only` measures without it",
    )


def clock_cost() -> float:
    """Nanoseconds from one reading of the clock to the next."""
    readings = [perf_counter_ns() for _ in range(5_000)]
    return summarize([two - one for one, two in pairwise(readings)]).median


def spawn_cost(candidate: Candidate) -> float:
    """Nanoseconds of the fastest of many spawns whose exec fails: Python's calls and the fork."""
    call = Call.of(candidate)
    costs = []
    for _ in range(300):
        start = perf_counter_ns()
        try:
            os.posix_spawn(b"/nonexistent", [call.path], call.environment)
        except FileNotFoundError:
            costs.append(perf_counter_ns() - start)
    return summarize(costs).minimum
