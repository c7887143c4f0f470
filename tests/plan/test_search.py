"""Plans that people would make by hand, and those that there are none of."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.verdicts import Verdicts
from shim.plan.plan import Plan
from shim.plan.search import NoPlan, Reason, find_plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from tests.check.builders import entry, launcher
from tests.plan.builders import AL2, AL2023, GO, bare, dual, extension, layer, single, state

if TYPE_CHECKING:
    from shim.check.state import State
    from shim.package.read import Package

TODAY = date(2026, 11, 22)
RUNTIMES = read_runtimes()


def plan(begin: State, wanted: State, *bridges: Package) -> Plan:
    found = find_plan(begin, wanted, bridges=bridges, answer=Verdicts(day=TODAY).answer, day=TODAY)
    assert isinstance(found, Plan)
    assert found.states[-1] == wanted
    return found


def no_plan(begin: State, wanted: State, *bridges: Package) -> NoPlan:
    found = find_plan(begin, wanted, bridges=bridges, answer=Verdicts(day=TODAY).answer, day=TODAY)
    assert isinstance(found, NoPlan)
    return found


def test_where_nothing_changes_the_plan_is_empty() -> None:
    begin = state(single(Arch.X86_64, "orders"))
    assert plan(begin, begin).steps == ()


def test_where_either_order_would_do_the_code_goes_first() -> None:
    begin = state(single(Arch.X86_64, "orders", "bills"))
    wanted = replace(begin, package=single(Arch.X86_64, "orders", "bills"), handler="bills")
    assert plan(begin, wanted).steps == (
        UpdateCode(package=wanted.package, arch=Arch.X86_64),
        UpdateConfiguration(handler="bills"),
    )


def test_a_handler_that_only_the_new_package_has_waits_for_the_package() -> None:
    begin = state(single(Arch.X86_64, "old"), handler="old")
    wanted = state(single(Arch.X86_64, "old", "new"), handler="new")
    assert [type(step) for step in plan(begin, wanted).steps] == [UpdateCode, UpdateConfiguration]


def test_a_handler_that_only_the_old_package_still_has_beside_the_new_goes_first() -> None:
    begin = state(single(Arch.X86_64, "old", "new"), handler="old")
    wanted = state(single(Arch.X86_64, "new"), handler="new")
    assert [type(step) for step in plan(begin, wanted).steps] == [UpdateConfiguration, UpdateCode]


def test_a_renamed_handler_takes_a_bridge() -> None:
    begin = state(single(Arch.X86_64, "old"), handler="old")
    wanted = state(single(Arch.X86_64, "new"), handler="new")
    barred = no_plan(begin, wanted)
    assert barred.reason is Reason.BARRED
    bridge = single(Arch.X86_64, "old", "new", path="bridge.zip")
    assert plan(begin, wanted, bridge).steps == (
        UpdateCode(package=bridge, arch=Arch.X86_64),
        UpdateConfiguration(handler="new"),
        UpdateCode(package=wanted.package, arch=Arch.X86_64),
    )


def test_a_bridge_that_is_not_needed_is_not_used() -> None:
    begin = state(single(Arch.X86_64, "orders"))
    wanted = state(dual("orders"), arch=Arch.ARM64)
    found = plan(begin, wanted, dual("orders", path="bridge.zip"))
    assert found.steps == (UpdateCode(package=wanted.package, arch=Arch.ARM64),)


def test_out_of_go1x_to_arm64_the_runtime_changes_before_the_architecture() -> None:
    begin = state(bare("orders"), runtime=GO)
    wanted = state(dual("orders"), arch=Arch.ARM64)
    assert plan(begin, wanted).steps == (
        UpdateCode(package=wanted.package, arch=Arch.X86_64),
        UpdateConfiguration(runtime=RUNTIMES[AL2023]),
        UpdateCode(package=wanted.package, arch=Arch.ARM64),
    )


def test_into_a_runtime_that_may_not_be_created_any_more_there_is_no_plan() -> None:
    begin = state(dual("orders"))
    found = no_plan(begin, replace(begin, runtime=RUNTIMES[GO]))
    assert found.reason is Reason.BARRED
    assert [one.refusal for one in found.barred] == [
        "no function can be moved to go1.x since 2024-02-08"
    ]
    assert found.accepted is None


def test_what_fails_at_either_end_is_said_and_the_calls_out_of_it_can_be_had() -> None:
    good, bad = state(single(Arch.X86_64, "orders")), state(single(Arch.ARM64, "orders"))
    failing = no_plan(bad, good)
    assert failing.reason is Reason.BEGIN_FAILS
    assert failing.accepted is not None
    assert failing.accepted.states == (bad, good)
    assert no_plan(good, bad).reason is Reason.WANTED_FAILS


def test_a_barred_way_names_each_state_in_the_way_the_nearest_first() -> None:
    begin = state(single(Arch.X86_64, "old"), handler="old")
    wanted = state(single(Arch.X86_64, "new"), handler="new")
    found = no_plan(begin, wanted)
    assert [(one.begin, one.state, one.refusal) for one in found.barred] == [
        (begin, replace(begin, package=wanted.package), None),
        (begin, replace(begin, handler="new"), None),
    ]


def test_layers_for_one_architecture_leave_before_it_does_and_come_after_it() -> None:
    code = dual("orders")
    begin = state(code, layers=(extension(Arch.X86_64),))
    wanted = state(code, arch=Arch.ARM64, layers=(extension(Arch.ARM64),))
    assert no_plan(begin, wanted).reason is Reason.BARRED
    bridge = (layer(path="bridge.zip"),)
    found = find_plan(
        begin, wanted, layer_bridges=(bridge,), answer=Verdicts(day=TODAY).answer, day=TODAY
    )
    assert isinstance(found, Plan)
    assert found.steps == (
        UpdateConfiguration(layers=bridge),
        UpdateCode(package=code, arch=Arch.ARM64),
        UpdateConfiguration(layers=wanted.layers),
    )


def test_what_need_not_change_at_once_waits_for_a_later_call() -> None:
    code = dual("orders")
    begin = state(code, runtime=AL2, layers=(extension(Arch.X86_64),))
    wanted = state(code, arch=Arch.ARM64, environment=(("A", "1"),))
    assert plan(begin, wanted).steps == (
        UpdateConfiguration(runtime=RUNTIMES[AL2023], layers=(), environment=(("A", "1"),)),
        UpdateCode(package=code, arch=Arch.ARM64),
    )
    wanted = replace(wanted, layers=(extension(Arch.ARM64),))
    bridge = (layer(path="bridge.zip"),)
    found = find_plan(
        begin, wanted, layer_bridges=(bridge,), answer=Verdicts(day=TODAY).answer, day=TODAY
    )
    assert isinstance(found, Plan)
    assert found.steps[0] == UpdateConfiguration(layers=bridge)


def test_layers_in_another_order_are_a_change() -> None:
    first, second = layer(path="1.zip"), layer(path="2.zip")
    begin = state(single(Arch.X86_64, "orders"), layers=(first, second))
    wanted = replace(begin, layers=(second, first))
    assert plan(begin, wanted).steps == (UpdateConfiguration(layers=(second, first)),)


def test_a_change_of_the_environment_alone_is_one_call() -> None:
    begin = state(single(Arch.X86_64, "orders"), environment=(("A", "1"),))
    wanted = replace(begin, environment=())
    assert plan(begin, wanted).steps == (UpdateConfiguration(environment=()),)


def test_verdicts_are_asked_for_only_where_a_better_plan_could_go() -> None:
    verdicts = Verdicts(day=TODAY)
    begin = state(single(Arch.X86_64, "old"), runtime=AL2, handler="old")
    wanted = state(single(Arch.X86_64, "old", "new"), handler="new", environment=(("A", "1"),))
    found = find_plan(begin, wanted, answer=verdicts.answer, day=TODAY)
    assert isinstance(found, Plan)
    assert len(verdicts) == 3


def test_the_test_runtimes_are_runtimes_like_others() -> None:
    code = dual("orders")
    begin = state(code, runtime="debian-bullseye")
    wanted = state(code, runtime="debian-bookworm", arch=Arch.ARM64)
    assert len(plan(begin, wanted).steps) == 2


def test_out_of_a_blocked_runtime_a_layer_with_the_launcher_is_the_way() -> None:
    blocked = date(2027, 3, 10)
    begin = state(bare("orders"), runtime=GO)
    wanted = state(dual("orders"))
    verdicts = Verdicts(day=blocked)
    barred = find_plan(begin, wanted, answer=verdicts.answer, day=blocked)
    assert isinstance(barred, NoPlan)
    assert {one.refusal is None for one in barred.barred} == {True, False}
    bridge = (layer(entry("bootstrap", launcher()), path="launcher.zip"),)
    found = find_plan(begin, wanted, layer_bridges=(bridge,), answer=verdicts.answer, day=blocked)
    assert isinstance(found, Plan)
    assert found.steps == (
        UpdateConfiguration(runtime=RUNTIMES[AL2023], layers=bridge),
        UpdateCode(package=wanted.package, arch=Arch.X86_64),
        UpdateConfiguration(layers=()),
    )


def test_functions_that_differ_in_what_does_not_matter_share_a_verdict() -> None:
    verdicts = Verdicts(day=TODAY)
    begin = state(single(Arch.X86_64, "orders"))
    for number in range(10):
        assert verdicts.verdict(replace(begin, environment=(("NUMBER", str(number)),))).starts
    assert len(verdicts) == 1
    wrapper = ("AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrapper")
    assert not verdicts.verdict(replace(begin, environment=(wrapper,))).starts
    assert len(verdicts) == 2
