"""What is done to a function under traffic: the orders of calls that are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shim.deploy.alias import AliasExecutor
from shim.deploy.transition import Transition
from shim.plan.alias import MoveAlias
from shim.plan.orders import Order, naive_changes
from shim.plan.plan import Plan

if TYPE_CHECKING:
    from datetime import date

    from shim.check.state import State
    from shim.deploy.executor import Executor
    from shim.plan.alias import AliasPlan

FIRST_VERSION = "1"
"""Where an alias is before it is moved."""

Change = Callable[[AliasExecutor], object]

NAIVE = (Order.CODE_FIRST, Order.CONFIGURATION_FIRST, Order.PARALLEL)
PLAN = "the plan"


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


def alias_change(plan: AliasPlan, *, pause: float) -> Change:
    """The plan, for an alias that is on the first version, whatever version it was made for."""
    moves = (
        replace(step, old_version=FIRST_VERSION) if isinstance(step, MoveAlias) else step
        for step in plan.after
    )
    return partial(_apply_alias, replace(plan, after=tuple(moves)), Transition(pause=pause))


def _apply_alias(plan: AliasPlan, transition: Transition, executor: AliasExecutor) -> None:
    executor.apply_alias(plan, transition)


def _apply(plan: Plan, executor: Executor) -> None:
    executor.apply(plan)


def _rush(plan: Plan, executor: Executor) -> None:
    executor.rush(plan.steps)
