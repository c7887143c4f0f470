"""A function under traffic while it is changed, naively and by plan, on a virtual clock.

The order of everything follows from the seed; the processes may be real all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from shim.aws.api import LambdaError
from shim.deploy.executor import Executor, read_zip
from shim.document import document
from shim.plan.orders import Order, naive_changes
from shim.plan.plan import Plan
from shim.plan.wording import call_in_words
from shim.simulate.control import ControlPlane
from shim.simulate.sandboxes import Sandboxes
from shim.simulate.timeline import Timeline
from shim.simulate.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from shim.check.state import State
    from shim.package.read import Package
    from shim.simulate.control import Update
    from shim.simulate.sandboxes import Sample, Starter, Traffic

FUNCTION = "function"
LEAD_SECONDS = 10.0
"""Traffic before the change begins: by then there are warm sandboxes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One change under traffic, as it went."""

    name: str
    samples: tuple[Sample, ...]
    updates: tuple[Update, ...]
    problem: str | None
    """Why the change didn't come to its end."""
    settling: float
    """Seconds until every sandbox has heard of an update."""

    @property
    def failures(self) -> tuple[Sample, ...]:
        """The invocations whose callers got an error."""
        return tuple(sample for sample in self.samples if sample.outcome.error_type)

    @property
    def unknown(self) -> tuple[Sample, ...]:
        """The invocations of which can't be told whether they were answered."""
        return tuple(sample for sample in self.samples if sample.outcome.is_unknown)

    @property
    def errors(self) -> Counter[str]:
        """How often callers got which error type."""
        return Counter(sample.outcome.error_type or "" for sample in self.failures)

    @property
    def failing_seconds(self) -> float:
        """From the first failure to the last."""
        times = [sample.time for sample in self.failures]
        return max(times) - min(times) if times else 0.0

    @property
    def starts(self) -> int:
        """Sandboxes that were started."""
        return sum(sample.is_start for sample in self.samples)

    @property
    def lost_nothing(self) -> bool:
        """Whether the change came to its end under traffic that is known to have been answered."""
        is_answered = not self.failures and not self.unknown
        return self.problem is None and self.is_covered and is_answered

    @property
    def is_covered(self) -> bool:
        """Whether there was traffic until no sandbox was left of what was before."""
        held = [one.held for one in self.updates if one.held is not None]
        return not held or self.samples[-1].time > max(held) + self.settling


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What all changes that are compared have in common."""

    begin: State
    starter: Starter
    traffic: Traffic
    seed: int
    layers: Mapping[Package, str] = field(default_factory=dict)
    """The ARN of each layer that is published already."""
    timing: Timing = field(default_factory=Timing)
    day: date | None = None

    def run(
        self,
        name: str,
        change: Callable[[Executor], object],
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Run:
        """Let traffic run, `change` the function in it, and tell how each invocation went.

        `progress` gets the number of invocations, one by one.
        """
        clock = Timeline()
        plane = ControlPlane(
            clock, self._random("plane"), name=FUNCTION, timing=self.timing, day=self.day
        )
        self._create(plane)
        executor = Executor(
            plane,
            FUNCTION,
            clock=clock,
            random=self._random("pauses"),
            layers={layer.path: arn for layer, arn in self._arns().items()},
        )
        problem = None
        with ExitStack() as stack:
            sandboxes = Sandboxes(
                plane, self.starter, self.traffic, random=self._random, progress=progress
            )
            stack.callback(sandboxes.close)
            sandboxes.begin()
            clock.sleep(LEAD_SECONDS)
            try:
                change(executor)
            except LambdaError as error:
                problem = error.message
            clock.finish()
            return Run(
                name=name,
                samples=tuple(sandboxes.samples),
                updates=tuple(plane.updates),
                problem=problem,
                settling=max(self.timing.spread, self.timing.linger),
            )

    def _create(self, plane: ControlPlane) -> None:
        known = self._arns()
        for layer, arn in known.items():
            plane.add_layer(arn, read_zip(layer), layer)
        arns = [known[layer] for layer in self.begin.layers]
        plane.create(self.begin, read_zip(self.begin.package), layers=arns)

    def _arns(self) -> Mapping[Package, str]:
        """Of every layer that is published; what the function has now is, by whatever name."""
        made_up = {
            layer: f"arn:aws:lambda:us-east-1:123456789012:layer:known-{number}:1"
            for number, layer in enumerate(self.begin.layers)
        }
        return {**made_up, **self.layers}

    def _random(self, purpose: str) -> Random:
        """Numbers of their own for each purpose: the traffic is the same in every change."""
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - a seed is what is wanted


NAIVE = (Order.CODE_FIRST, Order.CONFIGURATION_FIRST, Order.PARALLEL)
PLAN = "the plan"

Change = Callable[[Executor], object]


def changes(
    begin: State, wanted: State, plan: Plan | None, *, seed: int, day: date | None
) -> dict[str, Change]:
    """What is compared: the naive orders that differ, and the plan, if there is one."""
    found: dict[str, Change] = {}
    for naive in naive_changes(begin, wanted, day=day):
        if naive.order in NAIVE:
            steps = tuple(passage.step for passage in naive.walks[seed % len(naive.walks)])
            one = Plan(begin=begin, steps=steps)
            found[naive.order] = partial(_rush if naive.order is Order.PARALLEL else _apply, one)
    if plan:
        found[PLAN] = partial(_apply, plan)
    return found


def _apply(plan: Plan, executor: Executor) -> None:
    executor.apply(plan)


def _rush(plan: Plan, executor: Executor) -> None:
    executor.rush(plan.steps)


FORMAT = 1
"""Of the JSON; counted up when a reader must know of a change."""


def as_json(
    world: World, runs: Sequence[Run], *, notes: Sequence[str], why_not: str
) -> dict[str, Any]:
    """All runs as JSON's values; docs/simulate.md says what they mean."""
    content = {
        "seed": world.seed,
        "rate": world.traffic.rate,
        "invocations": world.traffic.invocations,
        "notes": list(notes),
        "noPlan": why_not or None,
        "runs": [_run_as_json(run) for run in runs],
    }
    return document(FORMAT, content)


def _run_as_json(run: Run) -> dict[str, Any]:
    return {
        "name": run.name,
        "invocations": len(run.samples),
        "failures": len(run.failures),
        "unknown": len(run.unknown),
        "failingSeconds": round(run.failing_seconds, 3),
        "sandboxes": run.starts,
        "errors": dict(run.errors.most_common()),
        "problem": run.problem,
        "covered": run.is_covered,
        "updates": [
            {
                "call": call_in_words(one.step),
                "begun": round(one.begun, 3),
                "held": _rounded(one.held),
            }
            for one in run.updates
        ],
        "failedAt": [round(one.time, 3) for one in run.failures],
        "unknownAt": [round(one.time, 3) for one in run.unknown],
    }


def _rounded(time: float | None) -> float | None:
    return None if time is None else round(time, 3)
