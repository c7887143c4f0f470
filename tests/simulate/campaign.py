"""Every migration, several seeds: `python -m tests.simulate.campaign EMULATOR BUILT`.

EMULATOR is AWS's emulator, which `shim run` keeps in its cache; BUILT is the folder that
examples/migrations/build.py filled. Prints a line for each run, and ends with 1 where a plan lost
an invocation, on `$LATEST` or on an alias.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.emulate.host import shared_host
from shim.simulate.by_start import RealStarter
from shim.simulate.changes import PLAN, alias_change, changes
from shim.simulate.sandboxes import Traffic
from shim.simulate.simulation import World
from tests.check.oracle.roots import unpack_root
from tests.simulate.scenarios import DAY, NAMES, ON_BULLSEYE, read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.simulate.changes import Change
    from shim.simulate.simulation import Run
    from tests.simulate.scenarios import Scenario


ON_ALIAS, SHARES, PAUSE_SECONDS = "the plan, on an alias", (0.1, 0.5), 30.0
"""Moved in three calls."""


def main() -> int:
    """Simulate what is asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("emulator", type=Path)
    parser.add_argument("built", type=Path)
    parser.add_argument("--scenarios", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--invocations", type=int, default=10_000, help="for the plan")
    parser.add_argument("--rate", type=float, default=50.0, help="for the plan")
    parser.add_argument("--naive-invocations", type=int, default=1000, help="0: plans alone")
    parser.add_argument("--naive-rate", type=float, default=10.0)
    arguments = parser.parse_args()
    is_lossless = True
    for run, line in campaign(arguments):
        print(json.dumps(line), flush=True)
        is_lossless &= run.name not in {PLAN, ON_ALIAS} or run.lost_nothing
    return 0 if is_lossless else 1


def campaign(arguments: argparse.Namespace) -> Iterator[tuple[Run, dict[str, object]]]:
    """Every run, and what is to be said of it."""
    verdicts = Verdicts()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        roots = {ON_BULLSEYE: unpack_root("debian-bullseye", Arch.X86_64, folder)}
        host = stack.enter_context(shared_host(arguments.emulator))
        starter = stack.enter_context(RealStarter(lambda _: host, roots=roots, verdicts=verdicts))
        for name in arguments.scenarios:
            scenario = read_scenario(name, arguments.built, verdicts=verdicts, folder=folder)
            for seed in arguments.seeds:
                for way, change in ways(scenario, seed).items():
                    is_naive = way not in {PLAN, ON_ALIAS}
                    rate = arguments.naive_rate if is_naive else arguments.rate
                    count = arguments.naive_invocations if is_naive else arguments.invocations
                    if not count:
                        continue
                    world = World(
                        begin=scenario.begin,
                        starter=starter,
                        traffic=Traffic(rate=rate, invocations=count),
                        seed=seed,
                        layers=scenario.layers,
                        day=DAY,
                        alias=scenario.alias if way == ON_ALIAS else None,
                    )
                    began = time.monotonic()
                    run = world.run(way, change)
                    yield run, _line(name, seed, run, seconds=time.monotonic() - began)


def ways(scenario: Scenario, seed: int) -> Mapping[str, Change]:
    """What is compared."""
    orders = changes(scenario.begin, scenario.wanted, scenario.plan, seed=seed, day=DAY)
    on_alias = alias_change(scenario.alias_plan(shares=SHARES), pause=PAUSE_SECONDS)
    return {**orders, ON_ALIAS: on_alias}


def _line(scenario: str, seed: int, run: Run, *, seconds: float) -> dict[str, object]:
    return {
        "scenario": scenario,
        "seed": seed,
        "change": run.name,
        "invocations": len(run.samples),
        "failed": len(run.failures),
        "failing": round(run.failing_seconds, 1),
        "sandboxes": run.starts,
        "errors": dict(run.errors),
        "problem": run.problem,
        "took": round(seconds, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
