"""A runner without programs, and records made of what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.bench.candidates import Candidate
from shim.bench.machine import Machine
from shim.bench.record import Conditions, Measured, Record
from shim.bench.runner import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def candidate(name: str) -> Candidate:
    """A candidate that nobody starts."""
    return Candidate(name=name, title=f"title of {name}", root=Path("/nowhere") / name)


def sample(launch_us: float) -> Sample:
    """A start whose launch took so many microseconds."""
    return Sample(
        launch_ns=round(launch_us * 1000),
        stamp_ns=500,
        wall_ns=round(launch_us * 2000),
        user_us=3,
        system_us=4,
        minor_faults=5,
        major_faults=1,
        blocks_read=8,
    )


class FakeRunner:
    """Says what `launch_us` says, and remembers who was started."""

    def __init__(self, launch_us: Callable[[str], float]) -> None:
        self.started: list[str] = []
        self._launch_us = launch_us

    def run(self, candidate: Candidate) -> Sample:
        """See `Runner`."""
        self.started.append(candidate.name)
        return sample(self._launch_us(candidate.name))


def record(
    launches: Mapping[str, Sequence[float]],
    *,
    rounds: int = 0,
    page_cache: str | None = None,
    memory: int | None = None,
    read_ahead_kb: int = 128,
) -> Record:
    """A record of these launch times in microseconds; complete unless `rounds` says otherwise."""
    return Record(
        conditions=Conditions(
            date="2026-11-22T00:00:00+00:00",
            rounds=rounds or max(map(len, launches.values()), default=0),
            warmup=0,
            seed=7,
            cpu=None,
            memory=memory,
            page_cache=page_cache,
            read_ahead_kb=read_ahead_kb,
        ),
        machine=Machine(
            arch=Arch.X86_64,
            cpu="a CPU",
            cpus=2,
            memory_mb=1024,
            kernel="6.1 #1",
            system="a system",
            libc="glibc 2.36",
            load=0.5,
            python="3.11.7",
            shim="0.1.0",
            commit=None,
            programs={"bash": "bash 5"},
        ),
        measured=tuple(
            Measured(
                name=name,
                title=f"title of {name}",
                size=3817,
                samples=tuple(map(sample, times)),
            )
            for name, times in launches.items()
        ),
        missing=(),
    )
