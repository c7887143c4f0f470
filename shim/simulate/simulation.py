"""A function under traffic while it is changed, naively and by plan, on a virtual clock.

The order of everything follows from the seed; the processes may be real all the same.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from shim.aws.api import LATEST, Alias, LambdaError
from shim.deploy.alias import AliasExecutor
from shim.deploy.executor import read_zip
from shim.document import document
from shim.plan.wording import call_in_words
from shim.simulate.changes import FIRST_VERSION
from shim.simulate.control import ControlPlane
from shim.simulate.sandboxes import Sandboxes
from shim.simulate.timeline import Timeline
from shim.simulate.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from shim.aws.api import Function
    from shim.check.state import State
    from shim.package.read import Package
    from shim.simulate.changes import Change
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
class LiveAlias:
    """An alias that traffic goes to; it is on the function's first version."""

    name: str
    state: State
    """What that version is."""


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
    alias: LiveAlias | None = None
    """Where the traffic goes; None: to `$LATEST`."""

    def run(
        self,
        name: str,
        change: Change,
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
        executor = AliasExecutor(
            plane,
            FUNCTION,
            clock=clock,
            random=self._random("pauses"),
            layers={layer.path: arn for layer, arn in self._arns().items()},
        )
        problem = None
        with ExitStack() as stack:
            sandboxes = Sandboxes(
                plane,
                self.starter,
                self.traffic,
                qualifier=self.alias.name if self.alias else LATEST,
                random=self._random,
                progress=progress,
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
        for layer, arn in self._arns().items():
            plane.add_layer(arn, read_zip(layer), layer)
        if self.alias:
            live = self._put(plane, self.alias.state)
            plane.publish_version(FUNCTION, code_sha256=live.code_sha256, revision=live.revision)
            plane.clock.sleep(self.timing.publish[1])
            plane.aliases.put(Alias(name=self.alias.name, version=FIRST_VERSION))
            plane.updates.clear()
        self._put(plane, self.begin)

    def _put(self, plane: ControlPlane, state: State) -> Function:
        """Let `$LATEST` be this, and always have been."""
        arns = [self._arns()[layer] for layer in state.layers]
        return plane.create(state, read_zip(state.package), layers=arns)

    def _arns(self) -> Mapping[Package, str]:
        """Of every layer that is published; what the function has now is, by whatever name."""
        live = self.alias.state.layers if self.alias else ()
        made_up = {
            layer: f"arn:aws:lambda:us-east-1:123456789012:layer:known-{number}:1"
            for number, layer in enumerate(dict.fromkeys((*self.begin.layers, *live)))
        }
        return {**made_up, **self.layers}

    def _random(self, purpose: str) -> Random:
        """Numbers of their own for each purpose: the traffic is the same in every change."""
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - a seed is what is wanted


FORMAT = 1
"""Of the JSON; counted up when a reader must know of a change."""


def as_json(
    world: World, runs: Sequence[Run], *, notes: Sequence[str], why_not: str
) -> dict[str, Any]:
    """All runs as JSON's values; docs/reference/simulate.md says what they mean."""
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
