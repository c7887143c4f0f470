"""Deployments that go wrong: `python -m tests.deploy.faults.campaign [BUILT]`.

BUILT is the folder that examples/migrations/build.py filled: with it, the scenarios of
`shim simulate` are carried out too. Prints a table of all cases by what went wrong, and ends with 1
where one wasn't brought to its right end by the next run, or back by the one after.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING

from shim.deploy.beforehand import Unfit
from tests.aws.wire.server import serving
from tests.deploy.faults.cases import cases
from tests.deploy.faults.scenarios import made_up, simulated
from tests.deploy.faults.stage import Plotted, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.deploy.faults.cases import Case
    from tests.deploy.faults.scenarios import Scenario


def main() -> int:
    """Go through all cases; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("built", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth case")
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        built = simulated(arguments.built, folder) if arguments.built else ()
        for case, scenario, problem in campaign(
            chain(made_up(folder), built), folder, every=arguments.every
        ):
            counts[case.fault] += 1
            if problem:
                wrong[case.fault] += 1
                print(
                    f"{scenario.name}, request {case.number}, {case.fault}: {problem}", flush=True
                )
    print("| what went wrong | cases | not brought to the right end, or back |\n|---|---|---|")
    for fault, number in counts.items():
        print(f"| {fault} | {number:,} | {wrong[fault]:,} |")
    print(f"{counts.total():,} cases, {wrong.total():,} wrong")
    return 1 if wrong else 0


def campaign(
    scenarios: Iterable[Scenario], folder: Path, *, every: int = 1
) -> Iterator[tuple[Case, Scenario, str]]:
    """Each case, and what is wrong with how it ended."""
    (folder / "cloud").mkdir()
    with serving(Plotted(folder=folder / "cloud")) as cloud:
        assert isinstance(cloud, Plotted)
        numbers = count(1)
        for scenario in scenarios:
            assert Stage(cloud, scenario, next(numbers)).run() is None
            requests = [call.name for call in cloud.requests]
            for case in islice(cases(requests), 0, None, every):
                stage = Stage(cloud, scenario, next(numbers))
                yield case, scenario, check(stage, case)
                stage.forget()


def check(stage: Stage, case: Case) -> str:
    """Run what goes wrong, then again, then for nothing, then back; what isn't as it should be."""
    if problem := case.run(stage):
        return problem
    if (ended := stage.run()) is not None:
        return f"the next run ended with {ended!r}"
    if problem := stage.problem(foreign=case.foreign):
        return problem
    updates = len(stage.plane.updates)
    if stage.run() is not None or len(stage.plane.updates) != updates:
        return "a further run changed something"
    ended = stage.run(is_back=True)
    if stage.is_barred:
        told = isinstance(ended, Unfit) and ended.message.startswith("there is no way back")
        return stage.problem(foreign=case.foreign) if told else f"the way back: {ended!r}"
    if ended is not None:
        return f"the way back ended with {ended!r}"
    return stage.problem(is_back=True, foreign=case.foreign)


if __name__ == "__main__":
    sys.exit(main())
