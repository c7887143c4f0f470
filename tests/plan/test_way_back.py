"""What is said of a plan's way back is what the API then does."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.step import UpdateConfiguration
from shim.plan.way_back import way_back
from tests.plan.builders import AL2, AL2023, GO, single, state

TODAY = date(2026, 11, 28)


def to(old: str, new: str) -> Plan:
    begin = state(single(Arch.X86_64, "orders"), runtime=old)
    return Plan(begin=begin, steps=(UpdateConfiguration(runtime=read_runtimes()[new]),))


def renamed(runtime: str) -> Plan:
    begin = state(single(Arch.X86_64, "orders", "bills"), runtime=runtime)
    return Plan(begin=begin, steps=(UpdateConfiguration(handler="bills"),))


def is_taken_back(plan: Plan, day: date) -> bool:
    back = plan.way_back
    return not any(map(lambda *one: refusal(*one, day=day), back.states, back.steps))


@pytest.mark.parametrize(
    ("plan", "closes"),
    [
        (to(AL2, AL2023), date(2027, 2, 1)),
        (renamed(AL2), date(2027, 3, 3)),
        (renamed(AL2023), date(2029, 8, 31)),
        (to("debian-bookworm", "debian-bullseye"), None),
    ],
)
def test_the_way_back_is_open_until_the_day_on_which_the_first_call_is_refused(
    plan: Plan, closes: date | None
) -> None:
    found = way_back(plan, day=TODAY)
    assert (found.refusal, found.closes) == (None, closes)
    if closes:
        assert is_taken_back(plan, closes - timedelta(days=1))
        assert not is_taken_back(plan, closes)
        assert str(closes) in found.sentence


def test_to_a_runtime_that_no_function_comes_to_any_more_there_is_none() -> None:
    found = way_back(to(GO, AL2023), day=TODAY)
    assert found.refusal == "no function can be moved to go1.x since 2024-02-08"
    assert found.sentence.startswith("no way back: ")


def test_without_a_day_the_dates_are_left_out() -> None:
    assert way_back(to(GO, AL2023), day=None).refusal is None
