"""The executor brings a function along a plan, whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.aws.api import (
    LATEST,
    Conflict,
    Refused,
    RevisionMismatch,
    Throttled,
    UpdateStatus,
)
from shim.deploy.executor import TRIES, Executor, Stopped, read_zip
from shim.errors import InputError
from shim.package.read import read_package
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.simulate.control import Fault
from tests.plan.worlds import AL2023, NAME, QUICK, World, zipped

if TYPE_CHECKING:
    from pathlib import Path


def plan_of(world: World) -> Plan:
    steps = (
        UpdateConfiguration(handler="bills"),
        UpdateCode(package=world.packages[Arch.ARM64], arch=Arch.ARM64),
        UpdateConfiguration(runtime=AL2023),
    )
    return Plan(begin=world.state, steps=steps)


def executor(world: World, said: list[str] | None = None) -> Executor:
    tell = said.append if said is not None else lambda _: None
    return Executor(world.plane, NAME, clock=world.clock, tell=tell)


def arrived(world: World) -> bool:
    now = world.plane.get_function(NAME)
    world.clock.sleep(world.timing.spread)
    new = world.plane.state_for_new_sandbox(LATEST)
    return now.update is UpdateStatus.SUCCESSFUL and new == plan_of(world).states[-1]


def test_a_plan_is_carried_out_each_call_when_the_last_has_taken_hold(world: World) -> None:
    said: list[str] = []
    assert executor(world, said).apply(plan_of(world)) == 3
    assert arrived(world)
    assert world.clock.now >= 13.5, "three updates of 4.5 seconds"
    calls = [line for line in said if line.startswith("call")]
    assert calls[0] == "call 1 of 3: UpdateFunctionConfiguration (handler bills)"
    assert calls[1].startswith("call 2 of 3: UpdateFunctionCode (")
    waits = {line for line in said if line.startswith("waiting")}
    assert "waiting until it has taken hold: UpdateFunctionConfiguration (handler bills)" in waits


def test_a_second_run_does_nothing(world: World) -> None:
    executor(world).apply(plan_of(world))
    before = world.plane.get_function(NAME)
    assert executor(world).apply(plan_of(world)) == 0
    assert world.plane.get_function(NAME) == before


class Killed(BaseException):
    """What a process gets from SIGKILL, as far as this one goes."""


class Mortal:
    """A clock and a way to the API that end the run at the given call or sleep."""

    def __init__(self, world: World, moments: int) -> None:
        self._world, self._left = world, moments

    def sleep(self, seconds: float) -> None:
        self._age()
        self._world.clock.sleep(seconds)

    def __getattr__(self, name: str) -> object:
        self._age()
        return getattr(self._world.plane, name)

    def _age(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed


def test_a_run_that_was_killed_is_taken_up_where_the_function_is(tmp_path: Path) -> None:
    for moments in count():
        world = World(folder=tmp_path)
        mortal = Mortal(world, moments)
        try:
            Executor(mortal, NAME, clock=mortal).apply(plan_of(world))  # type: ignore[arg-type] # hands all on
            break
        except Killed:
            executor(world).apply(plan_of(world))
            assert arrived(world), moments
    assert moments > 20, "it was killed at every call and every wait"


ERRORS = [Throttled("rate exceeded"), Conflict("in progress"), RevisionMismatch("not the latest")]


FAULTS = [
    Fault(call=call, error=error, is_carried_out=carried_out)
    for call in ("update_code", "update_configuration")
    for error in ERRORS
    for carried_out in (False, True)
]


@pytest.mark.parametrize(
    "fault", [*FAULTS, Fault(call="get_function", error=ERRORS[0])], ids=lambda fault: fault.call
)
def test_a_call_that_is_not_taken_or_whose_answer_is_lost_is_no_end(
    world: World, fault: Fault
) -> None:
    world.plane.faults = [fault, fault]
    assert executor(world).apply(plan_of(world)) == 3
    assert arrived(world)


def test_what_is_throttled_for_ever_is_given_up_with_a_reason(world: World) -> None:
    fault = Fault(call="update_code", error=ERRORS[0])
    world.plane.faults = [fault] * 100
    with pytest.raises(Stopped, match=f"given up after {TRIES} tries: rate exceeded"):
        executor(world).apply(plan_of(world))
    assert world.clock.now < 200


def test_what_the_api_refuses_is_not_tried_again(world: World) -> None:
    bad = Plan(begin=world.state, steps=(UpdateConfiguration(handler="a b"),))
    with pytest.raises(Refused, match="white space"):
        executor(world).apply(bad)


def test_an_update_that_fails_ends_the_run_with_its_reason(world: World) -> None:
    world.plane.failing_update = "FunctionError.InvalidEntryPoint"
    with pytest.raises(Stopped, match=r"FunctionError\.InvalidEntryPoint"):
        executor(world).apply(plan_of(world))
    with pytest.raises(Stopped, match="an update of the function failed"):
        executor(world).apply(plan_of(world))


def test_an_update_that_never_takes_hold_ends_the_run(tmp_path: Path) -> None:
    slow = replace(QUICK, update=(1e6, 1e6))
    world = World(folder=tmp_path, timing=slow)
    with pytest.raises(Stopped, match=r"has not taken hold in 300 seconds: UpdateFunctionConf"):
        executor(world).apply(plan_of(world))
    assert world.clock.now < 400


def test_a_function_that_is_in_none_of_the_states_is_left_alone(world: World) -> None:
    world.change_handler("other")
    world.clock.sleep(5)
    with pytest.raises(Stopped, match=r"somebody else changed it: .* handler other"):
        executor(world).apply(plan_of(world))
    assert world.plane.get_function(NAME).handler == "other"


def test_a_change_by_somebody_else_half_way_ends_the_run(world: World) -> None:
    run = executor(world)
    run.apply(Plan(begin=world.state, steps=plan_of(world).steps[:1]))
    world.clock.after(4.7, lambda: world.change_handler("other"))
    with pytest.raises(Stopped, match="somebody else changed it"):
        run.apply(plan_of(world))


def test_an_update_of_somebody_else_is_waited_for(world: World) -> None:
    world.change_handler("bills")
    assert executor(world).apply(plan_of(world)) == 2, "it was the plan's own first call"
    assert arrived(world)


def test_layers_are_published_once_and_set_by_their_arns(world: World, tmp_path: Path) -> None:
    known = zipped(tmp_path / "known.zip", {"extensions/a": b"#!/bin/sh\n"})
    new = zipped(tmp_path / "new.zip", {"extensions/b": b"#!/bin/sh\n"})
    arn = world.plane.publish_layer("known", read_zip(known), architectures=())
    plan = Plan(begin=world.state, steps=(UpdateConfiguration(layers=(known, new)),))
    for calls in (1, 0):
        run = Executor(world.plane, NAME, clock=world.clock, layers={known.path: arn})
        assert run.apply(plan) == calls
    first, second = world.plane.get_function(NAME).layers
    assert first == arn
    assert second.endswith(":layer:new:1")


def test_a_folder_is_no_zip_to_upload(world: World, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    plan = Plan(
        begin=world.state,
        steps=(UpdateCode(package=read_package(tmp_path / "folder"), arch=Arch.X86_64),),
    )
    with pytest.raises(InputError, match="only a zip can be uploaded"):
        executor(world).apply(plan)
    assert world.clock.now == 0, "nothing was sent"
