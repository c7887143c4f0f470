"""How each function of a deployment gets through it: whole, by deployments of one call, or not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shim.check.verdict import Answer
from shim.plan.bridge.planning import Unbridged, find_bridged_plan
from shim.plan.orders import Order, naive_changes
from shim.plan.search import Reason
from shim.plan.step import UpdateCode
from shim.templates.model import Tool
from shim.templates.split.ends import ends_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.check.state import State
    from shim.check.verdict import Verdict
    from shim.plan.bridge.planning import Bridged
    from shim.plan.step import Step
    from shim.templates.between import Judge
    from shim.templates.comparison import Comparison
    from shim.templates.rules import Deployed
    from shim.templates.split.ends import Ends

_ORDERS = {
    Tool.CLOUDFORMATION: Order.PARALLEL,
    Tool.TERRAFORM: Order.CONFIGURATION_FIRST,
    Tool.UNSAID: Order.PARALLEL,
}
_STRANGE = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True, eq=False)
class Passage:
    """How a function gets through several deployments."""

    deployed: Deployed
    bridged: Bridged

    @property
    def id(self) -> str:
        """The function's."""
        return self.deployed.pair.new.id

    @property
    def begin(self) -> State:
        """What it is."""
        return self.bridged.plan.begin

    @cached_property
    def wanted(self) -> State:
        """What it shall be."""
        return self.bridged.plan.wanted

    @cached_property
    def deployments(self) -> tuple[tuple[Step, ...], ...]:
        """The calls of each."""
        steps = self.bridged.plan.steps
        tool = self.deployed.pair.new_side.tool
        return tuple(_joined(steps)) if tool is Tool.TERRAFORM else tuple((one,) for one in steps)

    def state(self, behind: int) -> State:
        """What it is with so many of them behind it."""
        return self.bridged.plan.states[sum(len(one) for one in self.deployments[:behind])]

    def behind(self, number: int, count: int) -> int:
        """How many are behind it after `number` of `count`: it begins as late as it can.

        So the last one brings all that is new.
        """
        return max(0, number - count + len(self.deployments))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Way:
    """Whether a function gets through, and how."""

    deployed: Deployed
    answer: Answer
    """Starts: all that it passes through does. Fails: there is no way. Else that is unknown."""
    reason: str
    """Why it takes so many deployments, or why there is no way, or what isn't known."""
    reasons: tuple[str, ...] = ()
    """What stands against it."""
    passage: Passage | None = None
    """None where it goes whole, with the last deployment."""

    @property
    def id(self) -> str:
        """The function's."""
        return self.deployed.pair.new.id

    @property
    def count(self) -> int:
        """How many deployments it needs."""
        return len(self.passage.deployments) if self.passage else 1


def find_ways(comparison: Comparison, folder: Path) -> tuple[Way, ...]:
    """Of every function that changes; bridges are thought of as lying in `folder`."""
    names: set[str] = set()
    return tuple(_way(one, folder, _name(one.pair.new.id, names)) for one in comparison.changed)


def _name(text: str, taken: set[str]) -> str:
    """A name for files, of letters and digits, that no other function has."""
    short = _STRANGE.sub("-", text).strip("-") or "function"
    name = short
    while name.lower() in taken:
        name = f"{short}-{len(taken)}"
    taken.add(name.lower())
    return name


def _way(deployed: Deployed, folder: Path, name: str) -> Way:
    end, _ = deployed.judge.verdict(deployed.pair.new_side, deployed.pair.new)
    if end is not None and end.answer is Answer.FAILS:
        return _failing(deployed, Reason.WANTED_FAILS, end)
    if reason := _needs_none(deployed):
        return Way(deployed=deployed, answer=Answer.STARTS, reason=reason)
    ends = ends_of(deployed.pair, deployed.judge)
    if isinstance(ends, str):
        return Way(deployed=deployed, answer=Answer.UNKNOWN, reason=ends)
    judge = deployed.judge
    if _is_safe(ends, judge, _ORDERS[deployed.pair.new_side.tool]):
        reason = "what is between its two calls starts"
        return Way(deployed=deployed, answer=Answer.STARTS, reason=reason)
    found = find_bridged_plan(
        ends.begin,
        ends.wanted,
        verdicts=judge.verdicts,
        day=judge.day,
        folder=folder,
        name=f"{name}-bridge",
    )
    if isinstance(found, Unbridged):
        return _no_way(deployed, found)
    doubts = found.plan.unknown_between(judge.verdicts.answer)
    return Way(
        deployed=deployed,
        answer=Answer.UNKNOWN if doubts else Answer.STARTS,
        reason="whether what is between starts is unknown"
        if doubts
        else "one call at a time, all that is between starts",
        # Of what isn't at hand no bridge can be made: that goes without saying.
        reasons=() if _is_absent(ends, judge) or not doubts else found.reasons,
        passage=Passage(deployed=deployed, bridged=found),
    )


def _needs_none(deployed: Deployed) -> str:
    """Why nothing that could fail is between its calls, whatever they carry; empty: it may be."""
    pair = deployed.pair
    if pair.is_replaced:
        return "another function takes its place"
    if not all(pair.calls):
        return "one call changes it"
    if pair.new.is_image:
        return "it is a container image, which isn't looked into"
    return "" if deployed.is_met else "all traffic that is known goes to a version"


def _is_safe(ends: Ends, judge: Judge, order: Order) -> bool:
    """Whether both calls in one deployment pass only through what starts."""
    changes = {one.order: one for one in naive_changes(ends.begin, ends.wanted, day=judge.day)}
    between = {*changes[order].states} - {ends.begin, ends.wanted}
    return not changes[order].refused and all(
        judge.verdicts.answer(one) is Answer.STARTS for one in between
    )


def _is_absent(ends: Ends, judge: Judge) -> bool:
    return any(map(judge.verdicts.is_absent, (ends.begin.package, ends.wanted.package)))


def _no_way(deployed: Deployed, found: Unbridged) -> Way:
    if found.answer.reason is Reason.BEGIN_FAILS:
        begin = deployed.judge.verdicts.verdict(found.answer.begin)
        return _failing(deployed, Reason.BEGIN_FAILS, begin)
    return Way(
        deployed=deployed,
        answer=Answer.FAILS,
        reason=found.answer.reason.value,
        reasons=found.reasons,
    )


def _failing(deployed: Deployed, reason: Reason, verdict: Verdict) -> Way:
    """One of the two ends fails: no deployments between them would mend that."""
    reasons = tuple(f"{one.location} {one.sentence}" for one in verdict.reasons[:1])
    return Way(deployed=deployed, answer=Answer.FAILS, reason=reason.value, reasons=reasons)


def _joined(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Terraform sends the configuration first: one apply does that call and the code call next."""
    waiting: tuple[Step, ...] = ()
    for step in steps:
        if isinstance(step, UpdateCode):
            yield (*waiting, step)
            waiting = ()
            continue
        if waiting:
            yield waiting
        waiting = (step,)
    if waiting:
        yield waiting
