"""What a naive change goes through, what serves meanwhile, and the ways on and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.verdicts import Verdicts
from shim.errors import InputError
from shim.plan.alias import (
    AliasPlan,
    InvokeVersion,
    MoveAlias,
    PublishVersion,
    find_alias_plan,
)
from shim.plan.orders import Order, naive_changes
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.search import NoPlan, Reason, find_plan, whatever_starts
from shim.plan.step import UpdateCode, UpdateConfiguration
from tests.plan.builders import AL2023, GO, bare, dual, single, state

TODAY = date(2026, 11, 22)
RUNTIMES = read_runtimes()
VERDICTS = Verdicts(day=TODAY)

OLD = state(single(Arch.X86_64, "old"), handler="old")
NEW = state(single(Arch.X86_64, "new"), handler="new")


def bridged() -> Plan:
    bridge = single(Arch.X86_64, "old", "new", path="bridge.zip")
    plan = find_plan(OLD, NEW, bridges=(bridge,), answer=VERDICTS.answer, day=TODAY)
    assert isinstance(plan, Plan)
    return plan


def test_either_naive_order_of_a_rename_goes_through_a_state_that_does_not_start() -> None:
    changes = {change.order: change for change in naive_changes(OLD, NEW, day=TODAY)}
    code_first, configuration_first = replace(OLD, package=NEW.package), replace(OLD, handler="new")
    assert changes[Order.CODE_FIRST].states == (code_first, NEW)
    assert changes[Order.CONFIGURATION_FIRST].states == (configuration_first, NEW)
    assert set(changes[Order.PARALLEL].states) == {code_first, configuration_first, NEW}
    assert not VERDICTS.verdict(code_first).starts
    assert not VERDICTS.verdict(configuration_first).starts


def test_a_tool_that_sends_a_call_for_each_field_goes_through_every_mixture() -> None:
    wanted = replace(
        NEW, environment=(("A", "1"),), layers=(bare(),), runtime=RUNTIMES["provided.al2"]
    )
    split = naive_changes(OLD, wanted, day=TODAY)[-1]
    assert split.order is Order.SPLIT
    assert len(split.states) == 2**5 - 1


def test_a_naive_change_ends_at_the_call_that_the_api_refuses() -> None:
    begin = state(bare("orders"), runtime=GO)
    wanted = state(dual("orders"), arch=Arch.ARM64)
    changes = {change.order: change for change in naive_changes(begin, wanted, day=TODAY)}
    assert changes[Order.CODE_FIRST].states == (begin,)
    assert [one.refusal for one in changes[Order.CODE_FIRST].refused] == [
        "go1.x does not support arm64, only x86_64"
    ]
    assert changes[Order.CONFIGURATION_FIRST].states == (
        replace(begin, runtime=RUNTIMES[AL2023]),
        wanted,
    )


def test_a_naive_change_of_nothing_goes_nowhere() -> None:
    assert all(change.states == () for change in naive_changes(OLD, OLD, day=TODAY))


def test_the_way_back_goes_through_the_same_states() -> None:
    plan = bridged()
    assert plan.way_back.states == plan.states[::-1]
    assert plan.way_back.way_back == plan


def test_the_way_back_out_of_a_runtime_can_be_barred_by_its_dates() -> None:
    plan = find_plan(
        state(dual("orders"), runtime=GO), state(dual("orders")), answer=whatever_starts, day=TODAY
    )
    assert isinstance(plan, Plan)
    back = plan.way_back
    refusals = [
        refusal(at, step, day=TODAY) for at, step in zip(back.states, back.steps, strict=False)
    ]
    assert "no function can be moved to go1.x since 2024-02-08" in refusals


def alias_plan(*shares: float, version: str = "7") -> AliasPlan:
    found = find_alias_plan(
        OLD,
        NEW,
        live=OLD,
        alias="live",
        old_version=version,
        shares=shares,
        code_sha256="hash",
        answer=VERDICTS.answer,
        day=TODAY,
    )
    assert isinstance(found, AliasPlan)
    return found


def test_an_alias_needs_no_bridge_and_has_one_call_as_its_way_back() -> None:
    plan = alias_plan()
    assert plan.steps == (
        UpdateCode(package=NEW.package, arch=NEW.arch),
        UpdateConfiguration(handler="new"),
        PublishVersion(code_sha256="hash"),
        InvokeVersion(),
        MoveAlias(alias="live", old_version="7", share=1.0),
    )
    assert plan.way_back == (MoveAlias(alias="live", old_version="7", share=0.0),)


def test_an_alias_moves_in_shares() -> None:
    moves = [step.share for step in alias_plan(0.1, 0.5).after if isinstance(step, MoveAlias)]
    assert moves == [0.1, 0.5, 1.0]


@pytest.mark.parametrize("shares", [(0.0,), (1.0,), (0.5, 0.1), (0.5, 0.5), (float("nan"),)])
def test_shares_that_do_not_rise_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="have to rise"):
        alias_plan(*shares)


def test_an_alias_on_latest_can_only_move_at_once() -> None:
    assert alias_plan(version="$LATEST").after
    with pytest.raises(InputError, match="published versions only"):
        alias_plan(0.1, version="$LATEST")


def test_nothing_is_published_for_an_alias_that_has_what_is_wanted() -> None:
    found = find_alias_plan(
        OLD, NEW, live=NEW, alias="live", old_version="7", answer=VERDICTS.answer, day=TODAY
    )
    assert isinstance(found, AliasPlan)
    assert found.steps == ()
    assert found.way_back == ()


def test_an_alias_is_not_moved_to_what_does_not_start_nor_by_calls_that_are_refused() -> None:
    failing = replace(NEW, handler="old")
    found = find_alias_plan(
        OLD, failing, live=OLD, alias="live", old_version="7", answer=VERDICTS.answer, day=TODAY
    )
    assert isinstance(found, NoPlan)
    assert found.reason is Reason.WANTED_FAILS
    gone = state(dual("old"), handler="old", runtime=GO)
    found = find_alias_plan(
        OLD, gone, live=OLD, alias="live", old_version="7", answer=VERDICTS.answer, day=TODAY
    )
    assert isinstance(found, NoPlan)
    assert found.reason is Reason.BARRED


def test_an_alias_is_brought_to_what_latest_already_is() -> None:
    found = find_alias_plan(
        NEW, NEW, live=OLD, alias="live", old_version="7", answer=VERDICTS.answer, day=TODAY
    )
    assert isinstance(found, AliasPlan)
    assert found.latest.steps == ()
    assert [type(step) for step in found.steps] == [PublishVersion, InvokeVersion, MoveAlias]


def test_latest_may_fail_before_an_aliass_plan_and_on_its_way() -> None:
    begin = replace(OLD, handler="missing")
    found = find_alias_plan(
        begin, NEW, live=OLD, alias="live", old_version="7", answer=VERDICTS.answer, day=TODAY
    )
    assert isinstance(found, AliasPlan)
    assert not VERDICTS.verdict(found.latest.states[1]).starts
