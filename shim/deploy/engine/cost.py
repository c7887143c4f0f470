"""What an execution costs, said before it starts: states on a plan's shortest way, and requests."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.deploy.engine.definition import ASK, BEGIN, DECIDE, SPREAD, WAIT
from shim.deploy.engine.language import DONE, WRITE_DONE
from shim.deploy.engine.traffic import (
    ASK_ALIAS,
    ASK_PROVISIONED,
    ASK_VERSION,
    JUDGE,
    PAUSE,
    WHERE,
)
from shim.plan.alias import AliasPlan, MoveAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.plan.plan import Plan

_ONCE = (BEGIN, SPREAD, ASK, DECIDE, WRITE_DONE, DONE)
_EACH_CALL = ("call", WAIT, ASK, DECIDE)
"""The states that a child goes through where each update has taken hold after one wait."""

_ALIAS = (ASK_ALIAS, WHERE, "publish", ASK_VERSION, JUDGE, "invoke")
_EACH_MOVE = (ASK_ALIAS, WHERE, "call", PAUSE)
_THERE = (ASK_ALIAS, WHERE, ASK_PROVISIONED)
"""Of an alias that has no provisioned concurrency."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """Of a region, in US dollars."""

    day: date
    """Of the table."""
    transition: float
    put: float
    get: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """At least: each further wait has three states more, each retry one."""

    transitions: int
    dollars: float
    day: date
    """Of the prices."""


def transitions(plan: Plan | AliasPlan) -> int:
    """The states that a plan goes through."""
    if isinstance(plan, AliasPlan):
        moves = sum(isinstance(step, MoveAlias) for step in plan.after)
        alias = len(_ALIAS) + len(_EACH_MOVE) * moves + len(_THERE) if moves else 0
        return transitions(plan.latest) + alias
    return len(_ONCE) + len(_EACH_CALL) * len(plan.steps)


def cost_of(plans: Iterable[Plan | AliasPlan], *, region: str) -> Cost:
    """Of an execution with these plans, each with a result that is written and read once."""
    prices, each = _prices(region), [transitions(plan) for plan in plans]
    # The map itself; and its list of plans, which is written and read once.
    total, objects = sum(each) + 1, len(each) + 1
    dollars = total * prices.transition + objects * (prices.put + prices.get)
    return Cost(transitions=total, dollars=dollars, day=prices.day)


def _prices(region: str) -> Prices:
    table = _table()
    by_region: Mapping[str, float] = table["transition"]
    return Prices(
        day=table["date"],
        transition=by_region.get(region, by_region["others"]),
        put=table["request"]["put"],
        get=table["request"]["get"],
    )


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("prices.toml").read_text())
