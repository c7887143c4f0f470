"""Holds the planner against the checker: `python -m tests.plan.model.campaign PAIRS`.

All pairs of states of each universe, with real verdicts and with verdicts by chance, until there
are so many pairs. Ends with an AssertionError, and what it was about, at the first difference.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import shim.launcher
from shim.arch import Arch
from shim.check.verdict import verdict
from tests.check.builders import program
from tests.check.oracle.programs import Programs
from tests.check.oracle.roots import cache_folder
from tests.plan.model.compare import Tally, compare
from tests.plan.model.universe import (
    DAYS,
    Zips,
    blank_universe,
    handler_universe,
    judge,
    judge_by_chance,
    narrow_universe,
    real_universes,
)

if TYPE_CHECKING:
    from tests.plan.model.universe import Universe

SHARES = ((0.3, 0.1), (0.5, 0.0), (0.65, 0.3), (0.4, 0.4), (0.8, 0.1), (0.95, 0.0), (0.2, 0.7))
"""How many of the states start, and are unknown, in verdicts by chance."""

_LAUNCHERS = Path(shim.launcher.__file__).parent


def make_real_universes(folder: Path) -> list[Universe]:
    """The universes of real packages, written into `folder`."""
    binaries = {arch: (_LAUNCHERS / "bin" / f"lean-{arch}").read_bytes() for arch in Arch}
    dual = (_LAUNCHERS / "dual.sh").read_bytes()
    newer = Programs(arch=Arch.X86_64, cache=cache_folder() / "programs").glibc("2.34")
    programs = {arch: program(arch) for arch in Arch}
    return real_universes(Zips(folder, binaries, dual), programs, newer)


def compare_real(universe: Universe, tally: Tally) -> None:
    """With the verdicts of the checker of packages, on each of the days."""
    answers = [verdict(state).answer for state in universe.states()]
    for day in DAYS:
        space = universe.space(day)
        judge(space, answers)
        compare(universe, space, tally, day=day)


def compare_by_chance(universe: Universe, tally: Tally, *, seed: int, each: int = 1) -> None:
    """With one set of verdicts by chance, on one pair in `each`."""
    day = DAYS[seed % len(DAYS)]
    space = universe.space(day)
    starting, unknown = SHARES[seed % len(SHARES)]
    judge_by_chance(space, seed, starting=starting, unknown=unknown)
    compare(universe, space, tally, day=day, each=each)


def main() -> None:
    """Compare, and say what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int, nargs="?", default=1_000_000)
    pairs = parser.parse_args().pairs
    began = time.monotonic()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        for universe in make_real_universes(Path(folder)):
            before = tally.pairs
            compare_real(universe, tally)
            print(f"{universe.name}: {tally.pairs - before:,} pairs, all there are", flush=True)
    seed = 0
    while tally.pairs < pairs:
        for universe in (blank_universe(), narrow_universe(), handler_universe()):
            compare_by_chance(universe, tally, seed=seed)
        seed += 1
    print(f"verdicts by chance: {seed} seeds, three universes each")
    for name in tally.__slots__:
        print(f"{name}: {getattr(tally, name)}")
    print(f"no difference, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
