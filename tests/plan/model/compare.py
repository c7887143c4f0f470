"""Holds the planner against the checker: every pair of states of a universe."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from operator import or_
from typing import TYPE_CHECKING, Protocol

from shim.check.verdict import Answer
from shim.plan.plan import Plan
from shim.plan.search import NoPlan, Reason, find_plan
from shim.plan.step import UpdateCode
from tests.plan.model.checker import bits, worlds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from shim.check.state import State
    from shim.package.read import Package
    from shim.plan.step import Step
    from tests.plan.model.checker import Space
    from tests.plan.model.universe import Universe

_RANKED_EACH = 50
"""Of so many short plans one is held against all others that are as short; of long ones each."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """What a comparison came to."""

    pairs: int = 0
    plans: int = 0
    bridged: int = 0
    unknown: int = 0
    """Plans through a state in between that is unknown: there is no other way."""
    unknown_ends: int = 0
    """Plans that say of one of their ends that it is unknown, and of nothing else."""
    spared: int = 0
    """Plans over a bridge that spares an unknown state."""
    barred: int = 0
    end_fails: int = 0
    lost: int = 0
    """Of the states on the plans' way: from which a plan made anew would find no way."""
    calls: dict[int, int] = field(default_factory=dict)
    """How many plans have so many calls."""
    worlds: int = 0
    """States of a function that were met while plans were carried out and disturbed."""
    ranked: int = 0


class Finder(Protocol):
    """A planner."""

    def __call__(
        self,
        begin: State,
        wanted: State,
        *,
        bridges: tuple[Package, ...],
        layer_bridges: tuple[tuple[Package, ...], ...],
        handler_bridges: tuple[str, ...],
        answer: Callable[[State], Answer],
        day: date | None,
    ) -> Plan | NoPlan:
        """What it finds."""


def compare(
    universe: Universe,
    space: Space,
    tally: Tally,
    *,
    day: date | None,
    each: int = 1,
    planner: Finder = find_plan,
) -> None:
    """Every pair of states, or one in `each`; raises `AssertionError` where the two differ."""
    _Comparison(universe, space, tally, day=day, planner=planner).run(each)


def compare_pair(
    universe: Universe, space: Space, tally: Tally, pair: tuple[int, int], *, day: date | None
) -> None:
    """One pair of states."""
    _Comparison(universe, space, tally, day=day, planner=find_plan).pair(*pair)


class _Comparison:
    def __init__(
        self,
        universe: Universe,
        space: Space,
        tally: Tally,
        *,
        day: date | None,
        planner: Finder,
    ) -> None:
        self.space, self.tally, self.day, self.planner = space, tally, day, planner
        self.states = universe.states()
        self.numbers = {state: number for number, state in enumerate(self.states)}
        self.bridges = tuple(universe.packages[index] for index in universe.bridges)
        self.layer_bridges = tuple(universe.layers[index] for index in universe.layer_bridges)
        self.handler_bridges = tuple(universe.handlers[index] for index in universe.handler_bridges)
        self.values = (
            universe.packages,
            universe.architectures,
            tuple(dict.fromkeys(state.runtime for state in self.states)),
            universe.handlers,
            universe.layers,
            universe.environments,
        )

    def run(self, each: int) -> None:
        count = len(self.states)
        for number in range(0, count * count, each):
            self.pair(*divmod(number, count))

    def pair(self, begin: int, wanted: int) -> None:
        found = self.find(begin, wanted)
        self.tally.pairs += 1
        if self.fails_at(begin):
            self.fails(found, Reason.BEGIN_FAILS)
        elif self.fails_at(wanted):
            self.fails(found, Reason.WANTED_FAILS)
        else:
            self.way(found, begin, wanted)

    def find(self, begin: int, wanted: int) -> Plan | NoPlan:
        return self.planner(
            self.states[begin],
            self.states[wanted],
            bridges=self.bridges,
            layer_bridges=self.layer_bridges,
            handler_bridges=self.handler_bridges,
            answer=self.answer,
            day=self.day,
        )

    def answer(self, state: State) -> Answer:
        number = self.numbers[state]
        if self.fails_at(number):
            return Answer.FAILS
        return Answer.UNKNOWN if self.space.unknown >> number & 1 else Answer.STARTS

    def fails_at(self, number: int) -> bool:
        return not (self.space.starts | self.space.unknown) >> number & 1

    def fails(self, found: Plan | NoPlan, reason: Reason) -> None:
        assert isinstance(found, NoPlan)
        assert found.reason is reason
        self.tally.end_fails += 1

    def way(self, found: Plan | NoPlan, begin: int, wanted: int) -> None:
        own, all_of_them = (
            self.space.allowed(begin, wanted, bridged=bridged) for bridged in (False, True)
        )
        direct = self.space.fewest_unknown(begin, wanted, own)
        unknown = 0 if direct == 0 else self.space.fewest_unknown(begin, wanted, all_of_them)
        if unknown is None:
            self.barred(found, begin, wanted)
            return
        assert isinstance(found, Plan), f"there is a way from {begin} to {wanted}"
        is_bridged = unknown != direct
        allowed = all_of_them if is_bridged else own
        self.tally.spared += is_bridged and direct is not None
        calls = self.space.distance(begin, wanted, allowed, unknown=unknown)
        assert calls is not None
        way = tuple(self.numbers[state] for state in found.states)
        assert (way[0], way[-1]) == (begin, wanted)
        self.said(found, way, unknown)
        assert len(way) == calls + 1, f"it takes {calls} calls from {begin} to {wanted}"
        for state in way:
            assert allowed >> state & 1, f"{state} fails, or is out of the question"
        for before, then in pairwise(way):
            assert self.space.next_to[before] >> then & 1, f"{before} to {then} is refused"
        self.tally.plans += 1
        self.tally.bridged += is_bridged
        self.tally.calls[calls] = self.tally.calls.get(calls, 0) + 1
        if calls > 2 or self.tally.plans % _RANKED_EACH == 0:
            self.ranked(way, allowed, unknown)
        self.disturbed(found, way)

    def said(self, plan: Plan, way: tuple[int, ...], unknown: int) -> None:
        """A plan names each unknown state that it goes through, and no more than it has to."""
        said = {way[index] for index in plan.unknown(self.answer)}
        assert said == {state for state in way if self.space.unknown >> state & 1}
        assert said or all(self.space.starts >> state & 1 for state in way)
        assert len(said - {way[0], way[-1]}) == unknown, f"it takes {unknown} unknown states"
        self.tally.unknown += unknown > 0
        self.tally.unknown_ends += unknown == 0 < len(said)

    def barred(self, found: Plan | NoPlan, begin: int, wanted: int) -> None:
        """What bars the way is all there is around what can be reached, with why."""
        assert isinstance(found, NoPlan), f"there is no way from {begin} to {wanted}"
        assert found.reason is Reason.BARRED
        self.tally.barred += 1
        between = self.space.between(begin, wanted, bridged=True)
        inside = self.space.reachable(begin, between & (self.space.starts | self.space.unknown))
        named = 0
        for one in found.barred:
            before, then = self.numbers[one.begin], self.numbers[one.state]
            named |= 1 << then
            assert inside >> before & 1
            assert not inside >> then & 1
            if one.refusal is None:
                assert self.fails_at(then)
                assert self.space.next_to[before] >> then & 1
            else:
                assert not any(self.space.next_to[state] >> then & 1 for state in bits(inside))
        around = (self.space.half_away(state) for state in bits(inside))
        assert named == reduce(or_, around) & between & ~inside

    def ranked(self, way: tuple[int, ...], allowed: int, unknown: int) -> None:
        """No other shortest way is one that people would rather take."""
        self.tally.ranked += 1
        ways = self.space.shortest(way[0], way[-1], allowed, unknown=unknown)
        best = min(map(self.space.rank, ways))
        assert self.space.rank(way) == best

    def disturbed(self, plan: Plan, way: tuple[int, ...]) -> None:
        """Whatever happens to the calls and to the executor, it stays in the plan's states."""
        met = worlds(self.space, way, [self.sent(step) for step in plan.steps])
        assert met == set(way)
        self.tally.worlds += len(met)
        # From the last but one the last call alone leads there.
        self.tally.lost += sum(isinstance(self.find(one, way[-1]), NoPlan) for one in way[1:-2])

    def sent(self, step: Step) -> dict[int, int]:
        """What a call carries, as the checker counts it."""
        if isinstance(step, UpdateCode):
            carried: list[object] = [step.package, step.arch, None, None, None, None]
        else:
            carried = [None, None, step.runtime, step.handler, step.layers, step.environment]
        return {
            index: self.values[index].index(value)
            for index, value in enumerate(carried)
            if value is not None
        }
