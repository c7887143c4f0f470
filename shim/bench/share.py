"""The CPU share that Lambda gives to a memory size: a control group with a quota a period."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

from shim.bench.runner import Call, Sample, reap, require_handler
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from resource import struct_rusage

    from shim.bench.candidates import Candidate

MEMORY_OF_ONE_CPU = 1769
"""MB that are worth one CPU (AWS Lambda Developer Guide, "Configure Lambda function memory")."""

PERIOD_US = 20_000
"""The scheduler's period on Lambda: what a start may use of it is gone until the next one."""

_GATE = b'echo; read -r _ && exec "$0"'
"""Says that it is there, waits to be let through, and becomes the candidate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A control group whose processes get a part of the CPU."""

    members: Path
    quota: Path
    limit: str

    def admit(self, process: int) -> None:
        """Let `process` have this share from now on."""
        self.members.write_text(str(process))

    def refill(self) -> None:
        """Give the group its whole quota, and forget what the one before owes."""
        self.quota.write_text(self.limit)


def quota_us(memory: int) -> int:
    """Microseconds of CPU time in each period that a function with `memory` MB gets."""
    return memory * PERIOD_US // MEMORY_OF_ONE_CPU


def make_share(memory: int, mounts: str, *, remember: Callable[[Path], None]) -> Share:
    """A group with what `memory` MB are worth; `mounts` is what /proc/mounts says.

    `remember` is told the group before it is made: who called removes it.
    """
    quota = quota_us(memory)
    root, is_unified = _hierarchy(mounts)
    group = root / f"shim-bench-{os.getpid()}"
    remember(group)
    members = group / "cgroup.procs"
    try:
        group.mkdir()
        if is_unified:
            share = Share(members=members, quota=group / "cpu.max", limit=f"{quota} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            share = Share(members=members, quota=group / "cpu.cfs_quota_us", limit=str(quota))
        share.refill()
    except OSError as error:
        raise MachineError(
            f"can't make a control group with a CPU share: {error}",
            hint="run as root, or leave out `--memory`",
        ) from error
    return share


def _hierarchy(mounts: str) -> tuple[Path, bool]:
    """Where CPU shares are given out, and whether that is version 2."""
    for line in mounts.splitlines():
        _, folder, kind, options, *_ = line.split(" ")
        root = Path(folder)
        if kind == "cgroup" and "cpu" in options.split(","):
            return root, False
        if kind == "cgroup2" and "cpu" in _words(root / "cgroup.subtree_control"):
            return root, True
    raise MachineError(
        "no control group hierarchy gives out CPU shares on this machine",
        hint="leave out `--memory`; in a container, measure outside of it",
    )


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


class ShareRunner:
    """Starts candidates under a CPU share, the harness itself without.

    A small shell waits at a gate: it is moved into the group, and uses nothing of the quota until
    the clock runs and it becomes the candidate. Its wake-up and exec stand for the spawn; what it
    used before that is taken off.
    """

    def __init__(self, share: Share, prepare: Callable[[Candidate], None]) -> None:
        self._share = share
        self._prepare = prepare

    def run(self, candidate: Candidate) -> Sample:
        """See `Runner`."""
        call = Call.of(candidate)
        os.chdir(call.root)
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = self._put_at_the_gate(call, theirs.fileno())
            ours.recv(1)
            self._share.admit(process)
            self._prepare(candidate)
            before = _Used.so_far(process)
            self._share.refill()
            start = perf_counter_ns()
            ours.send(b"\n")
            status, usage = reap(process)
            end = perf_counter_ns()
        require_handler(candidate, os.waitstatus_to_exitcode(status))
        return before.sample(end - start, usage)

    @staticmethod
    def _put_at_the_gate(call: Call, stream: int) -> int:
        streams = [(os.POSIX_SPAWN_DUP2, stream, 0), (os.POSIX_SPAWN_DUP2, stream, 1)]
        arguments = [b"sh", b"-c", _GATE, call.path]
        return os.posix_spawn(b"/bin/sh", arguments, call.environment, file_actions=streams)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Used:
    """What a process has used of the machine up to some moment."""

    cpu_us: float
    minor_faults: int
    major_faults: int
    blocks_read: int

    @classmethod
    def so_far(cls, process: int) -> _Used:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        read = Path(f"/proc/{process}/io").read_text().partition("\nread_bytes: ")[2]
        return cls(
            cpu_us=time.clock_gettime_ns(_cpu_clock(process)) / 1000,
            minor_faults=int(fields[7]),
            major_faults=int(fields[9]),
            blocks_read=int(read.split()[0]) // 512,
        )

    def sample(self, wall_ns: int, usage: struct_rusage) -> Sample:
        """What was used since then; user and system time keep the proportion of the whole."""
        whole = usage.ru_utime + usage.ru_stime
        part = max(0.0, 1 - self.cpu_us / (whole * 1e6)) if whole else 0.0
        return Sample(
            wall_ns=wall_ns,
            user_us=round(usage.ru_utime * part * 1e6),
            system_us=round(usage.ru_stime * part * 1e6),
            minor_faults=usage.ru_minflt - self.minor_faults,
            major_faults=usage.ru_majflt - self.major_faults,
            blocks_read=usage.ru_inblock - self.blocks_read,
        )


def _cpu_clock(process: int) -> int:
    """The clock of another process's CPU time, as clock_getcpuclockid(3) makes its number."""
    return (~process << 3) | 2
