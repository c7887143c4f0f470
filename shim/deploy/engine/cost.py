"""What an execution costs, said before it starts: states on a plan's shortest way, and requests."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.deploy.engine.definition import ASK, BEGIN, DECIDE, DONE, SPREAD, WAIT, WRITE_DONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.plan.plan import Plan

_ONCE = (BEGIN, SPREAD, ASK, DECIDE, WRITE_DONE, DONE)
_EACH_CALL = ("call", WAIT, ASK, DECIDE)
"""The states that a child goes through where each update has taken hold after one wait."""


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


def transitions(plan: Plan) -> int:
    """The states that a plan goes through."""
    return len(_ONCE) + len(_EACH_CALL) * len(plan.steps)


def cost_of(plans: Iterable[Plan], *, region: str) -> Cost:
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
