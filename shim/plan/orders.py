"""What a change goes through when nobody picks the order of its calls (docs/why/lambda.md).

Nothing here is advice: these are the states that a plan is held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from typing import TYPE_CHECKING

from shim.plan.refusals import refusal
from shim.plan.step import Step, UpdateCode, UpdateConfiguration, after, configuration_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from shim.check.state import State


class Order(StrEnum):
    """How tools send the calls."""

    CODE_FIRST = "code first"
    """Serverless `deploy function`, CDK hotswap."""
    CONFIGURATION_FIRST = "configuration first"
    """Terraform, lambroll, cargo-lambda, aws-actions/aws-lambda-deploy."""
    PARALLEL = "in parallel"
    """CloudFormation: either may be the first."""
    SPLIT = "one field at a time"
    """By hand, or by scripts: a configuration call for each field, the code call anywhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """One call of a naive change."""

    begin: State
    step: Step
    refusal: str | None
    """Why the API refuses it; the change ends there."""

    @property
    def state(self) -> State:
        """What the function then is."""
        return self.begin if self.refusal else after(self.begin, self.step)


@dataclass(frozen=True, kw_only=True, slots=True)
class Naive:
    """One way of changing a function without a plan."""

    order: Order
    walks: tuple[tuple[Passage, ...], ...]
    """Each order in which the calls may arrive."""

    @property
    def states(self) -> tuple[State, ...]:
        """Every state that the function may be in on the way, and at its end."""
        return tuple(dict.fromkeys(one.state for walk in self.walks for one in walk))

    @property
    def refused(self) -> tuple[Passage, ...]:
        """The calls that the API refuses."""
        passages = dict.fromkeys(one for walk in self.walks for one in walk)
        return tuple(one for one in passages if one.refusal)


def naive_changes(begin: State, wanted: State, *, day: date | None) -> tuple[Naive, ...]:
    """Every naive way from `begin` to `wanted`, one for each `Order`."""
    code = UpdateCode(package=wanted.package, arch=wanted.arch)
    configuration = configuration_step(begin, wanted)
    codes: list[Step] = [code] if after(begin, code) != begin else []
    whole: list[Step] = [configuration] if configuration != UpdateConfiguration() else []
    split: list[Step] = [*codes, *_split(configuration)]
    orders: dict[Order, Iterable[Iterable[Step]]] = {
        Order.CODE_FIRST: [[*codes, *whole]],
        Order.CONFIGURATION_FIRST: [[*whole, *codes]],
        Order.PARALLEL: permutations([*codes, *whole]),
        Order.SPLIT: permutations(split),
    }
    return tuple(
        Naive(order=order, walks=tuple(tuple(_walk(begin, steps, day)) for steps in walks))
        for order, walks in orders.items()
    )


def _split(step: UpdateConfiguration) -> Iterator[UpdateConfiguration]:
    """A call for each field."""
    if step.runtime is not None:
        yield UpdateConfiguration(runtime=step.runtime)
    if step.handler is not None:
        yield UpdateConfiguration(handler=step.handler)
    if step.layers is not None:
        yield UpdateConfiguration(layers=step.layers)
    if step.environment is not None:
        yield UpdateConfiguration(environment=step.environment)


def _walk(begin: State, steps: Iterable[Step], day: date | None) -> Iterator[Passage]:
    for step in steps:
        passage = Passage(begin=begin, step=step, refusal=refusal(begin, step, day=day))
        yield passage
        if passage.refusal:
            return
        begin = passage.state
