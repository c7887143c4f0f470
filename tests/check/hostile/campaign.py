"""Broken input through the real commands: `python -m tests.check.hostile.campaign COUNT`.

`shim check`, `shim pack` and the unpacking of `shim run`: every one must end in an answer or in
one of shim's own errors: no traceback, no hang, nothing written outside of the output folder, no
more memory than MEMORY.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.check.hostile.worker import Result, Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

MEMORY = 1 << 30
"""Bytes of address space that a process gets; the summary says what it really took."""

_workers: list[Worker] = []


def start_worker(folder: Path, elf: bytes) -> None:
    """Make this process a worker."""
    name = multiprocessing.current_process().name
    _workers.append(Worker(folder / name, elf, memory=MEMORY))


def run_seed(seed: int) -> Result:
    """Run one seed in this process, which is a worker."""
    return _workers[0].run(seed)


@dataclass(kw_only=True)
class Tally:
    """What a campaign came to."""

    problems: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, -1)
    """Seconds of CPU time, and the seed."""
    peak: int = 0
    """Bytes of memory of the largest process."""

    def add(self, result: Result) -> None:
        """Count one seed's result."""
        self.ends.update(result.ends)
        self.slowest = max(self.slowest, (result.cpu_seconds, result.seed))
        self.peak = max(self.peak, result.peak)
        self.problems += [f"seed {result.seed}: {problem}" for problem in result.problems]


def campaign(seeds: Sequence[int], *, workers: int, elf: bytes) -> Tally:
    """Run every seed in one of the worker processes."""
    tally = Tally()
    # Spawned: the threads of a command are no good company for a fork.
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="shim-hostile-") as folder:
        words = (Path(folder).resolve(), elf)
        with context.Pool(workers, start_worker, words) as pool:
            for result in pool.imap_unordered(run_seed, seeds, chunksize=20):
                tally.add(result)
    return tally


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--elf", type=Path, default=Path("/bin/true"), help="a real dynamic program"
    )
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.count)
    tally = campaign(seeds, workers=arguments.workers, elf=arguments.elf.read_bytes())
    for problem in tally.problems:
        print(problem)
    print(f"seeds {seeds.start} to {seeds.stop - 1}: {len(tally.problems)} problems")
    print(f"slowest: {tally.slowest[0]:.1f} s of CPU time (seed {tally.slowest[1]})")
    print(f"peak memory of a process: {tally.peak / (1 << 20):.0f} MB")
    for end, count in sorted(tally.ends.items()):
        print(f"{count:9,} {end}")
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
