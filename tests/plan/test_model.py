"""The planner against a checker that shares nothing with it; model/campaign.py has more pairs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from shim.check.verdict import Answer
from shim.plan.plan import Plan
from shim.plan.search import NoPlan, find_plan
from shim.plan.step import UpdateCode
from tests.plan.model.campaign import compare_by_chance, compare_real, make_real_universes
from tests.plan.model.checker import Space, bits, worlds
from tests.plan.model.compare import Finder, Tally, compare, compare_pair
from tests.plan.model.universe import (
    DAYS,
    blank_universe,
    handler_universe,
    judge_by_chance,
    narrow_universe,
)

if TYPE_CHECKING:
    from shim.check.state import State
    from tests.plan.model.universe import Universe

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> list[Universe]:
    return make_real_universes(tmp_path_factory.mktemp("packages"))


@pytest.mark.parametrize("index", range(5))
def test_with_real_packages_each_pair_of_states_has_the_plan_that_there_is(
    real: list[Universe], index: int
) -> None:
    tally = Tally()
    compare_real(real[index], tally)
    assert tally.pairs >= 30_000
    assert tally.plans
    assert tally.bridged
    assert tally.barred


@pytest.mark.parametrize("seed", range(14))
def test_whatever_starts_each_pair_of_states_has_the_plan_that_there_is(seed: int) -> None:
    tally = Tally()
    # Odd numbers: the same states come to be both ends.
    compare_by_chance(blank_universe(), tally, seed=seed, each=11)
    compare_by_chance(narrow_universe(), tally, seed=seed, each=5)
    compare_by_chance(handler_universe(), tally, seed=seed, each=11)
    assert tally.plans


def test_plans_go_through_unknown_states_and_over_bridges_that_spare_them() -> None:
    tally = Tally()
    compare_by_chance(blank_universe(), tally, seed=2, each=11)
    assert tally.unknown
    assert tally.unknown_ends
    assert tally.spared


@pytest.mark.parametrize(
    ("universe", "seed", "begin", "wanted"),
    [(blank_universe(), 1, 50, 99), (narrow_universe(), 6, 57, 36)],
)
def test_what_comes_late_in_a_plan_counts_more_than_which_value_comes_early(
    universe: Universe, seed: int, begin: int, wanted: int
) -> None:
    day = DAYS[seed % len(DAYS)]
    space = universe.space(day)
    judge_by_chance(space, seed, starting=0.5)
    tally = Tally()
    compare_pair(universe, space, tally, (begin, wanted), day=day)
    assert tally.ranked == 1


def careless(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Doesn't look at what starts in between."""
    answer = known["answer"]
    known["answer"] = lambda one: answer(one) if one in {begin, wanted} else Answer.STARTS
    return find_plan(begin, wanted, **known)


def hopeful(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Takes what is unknown for what starts."""
    answer = known["answer"]
    known["answer"] = lambda one: Answer(answer(one).replace(Answer.UNKNOWN, Answer.STARTS))
    return find_plan(begin, wanted, **known)


def fearful(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Takes what is unknown for what fails."""
    answer = known["answer"]
    known["answer"] = lambda one: Answer(answer(one).replace(Answer.UNKNOWN, Answer.FAILS))
    return find_plan(begin, wanted, **known)


def hasty(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Goes through unknown states before it takes a bridge."""
    plan = bridgeless(begin, wanted, **known)
    return plan if isinstance(plan, Plan) else find_plan(begin, wanted, **known)


def lawless(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Doesn't look at the runtimes' dates."""
    return find_plan(begin, wanted, **{**known, "day": None})


def bridgeless(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Has no bridge."""
    return find_plan(
        begin, wanted, **{**known, "bridges": (), "layer_bridges": (), "handler_bridges": ()}
    )


def long_winded(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Says the last code call twice."""
    plan = find_plan(begin, wanted, **known)
    if isinstance(plan, Plan) and plan.steps and isinstance(plan.steps[-1], UpdateCode):
        return Plan(begin=begin, steps=(*plan.steps, plan.steps[-1]))
    return plan


def backward(begin: State, wanted: State, **known: Any) -> Plan | NoPlan:
    """Prefers what people wouldn't: its plans are the ways back of those from there to here."""
    plan = find_plan(wanted, begin, **known)
    return plan.way_back if isinstance(plan, Plan) else find_plan(begin, wanted, **known)


MISTAKEN = [careless, hopeful, fearful, hasty, lawless, bridgeless, long_winded, backward]


@pytest.mark.parametrize("planner", MISTAKEN)
def test_a_planner_with_a_mistake_is_found_out(planner: Finder) -> None:
    universe = blank_universe()
    space = universe.space(TODAY)
    judge_by_chance(space, 1, starting=0.6, unknown=0.1)
    with pytest.raises(AssertionError):
        compare(universe, space, Tally(), day=TODAY, planner=planner)


def test_the_checkers_distances_are_those_of_floyd_and_warshall() -> None:
    space = narrow_universe().space(TODAY)
    judge_by_chance(space, 2, starting=0.4)
    every = list(bits(space.starts))
    far = len(every)
    table = {
        (one, other): 0 if one == other else 1 if space.is_taken(one, other) else far
        for one in every
        for other in every
    }
    for middle in every:
        for one in every:
            for other in every:
                over = table[one, middle] + table[middle, other]
                table[one, other] = min(table[one, other], over)
    for (one, other), calls in table.items():
        assert space.distance(one, other, space.starts) == (calls if calls < far else None)


def test_carrying_out_goes_nowhere_but_through_the_plans_states() -> None:
    space = _small()
    way = tuple(
        space.number[values] for values in [(0,) * 6, (1, 0, 0, 0, 0, 0), (1, 0, 0, 1, 0, 0)]
    )
    assert worlds(space, way, [{0: 1, 1: 0}, {3: 1}]) == set(way)


def test_a_call_that_leads_off_the_plan_is_found_out() -> None:
    space = _small()
    way = tuple(
        space.number[values] for values in [(0,) * 6, (1, 0, 0, 0, 0, 0), (1, 0, 0, 1, 0, 0)]
    )
    with pytest.raises(AssertionError, match="where the plan doesn't go"):
        worlds(space, way, [{0: 1, 1: 1}, {3: 1}])


def test_a_call_that_is_refused_on_the_way_is_found_out() -> None:
    space = _small()
    way = _way(space, (0, 0, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0))
    with pytest.raises(AssertionError, match="refused"):
        worlds(space, way, [{2: 1}])


def _way(space: Space, *states: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(space.number[values] for values in states)


def _small() -> Space:
    return Space(
        counts=(2, 2, 2, 2, 1, 1),
        architectures=("x86_64", "arm64"),
        runtimes=("provided.al2023", "go1.x"),
        day="2026-11-22",
        starts=0,
    )
