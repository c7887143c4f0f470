"""The executor brings a function along a plan, whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.aws.api import (
    LATEST,
    Configuration,
    Conflict,
    Denied,
    NotFound,
    Refused,
    RevisionMismatch,
    Throttled,
    Unanswered,
    UpdateStatus,
)
from shim.deploy.events import Answered, Retrying, Sending, Waiting, sentence
from shim.deploy.executor import Executor, read_zip
from shim.deploy.patience import TRIES, Stopped
from shim.errors import InputError
from shim.package.read import read_package
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.simulate.control import Fault
from tests.plan.worlds import AL2023, NAME, QUICK, World, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from shim.aws.api import Function, LambdaApi
    from shim.deploy.events import Event
    from shim.deploy.patience import Clock


def plan_of(world: World) -> Plan:
    steps = (
        UpdateConfiguration(handler="bills"),
        UpdateCode(package=world.packages[Arch.ARM64], arch=Arch.ARM64),
        UpdateConfiguration(runtime=AL2023),
    )
    return Plan(begin=world.state, steps=steps)


def executor(
    world: World,
    told: list[Event] | None = None,
    *,
    api: LambdaApi | None = None,
    clock: Clock | None = None,
) -> Executor:
    return Executor(
        api or world.plane,
        NAME,
        clock=clock or world.clock,
        random=Random(1),
        tell=(told if told is not None else []).append,
    )


def arrived(world: World) -> bool:
    now = world.plane.get_function(NAME)
    world.clock.sleep(world.timing.spread)
    new = world.plane.machines.state_for_new_sandbox(LATEST)
    return now.update is UpdateStatus.SUCCESSFUL and new == plan_of(world).states[-1]


def test_a_plan_is_carried_out_each_call_when_the_last_has_taken_hold(world: World) -> None:
    told: list[Event] = []
    assert executor(world, told).apply(plan_of(world)) == 3
    assert arrived(world)
    assert world.clock.now >= 13.5, "three updates of 4.5 seconds"
    said = [sentence(event) for event in told]
    assert said[:4] == [
        "call 1 of 3: UpdateFunctionConfiguration (handler bills)",
        "accepted: UpdateFunctionConfiguration (handler bills)",
        "waiting until it has taken hold: UpdateFunctionConfiguration (handler bills)",
        f"call 2 of 3: UpdateFunctionCode ({world.packages[Arch.ARM64].path}, arm64)",
    ]
    assert len(said) == 9, "three each"


def test_of_each_call_is_told_before_it_and_after_it(world: World) -> None:
    told: list[Event] = []
    world.plane.faults = [Fault(call="update_configuration", error=Throttled("rate exceeded"))]
    executor(world, told).apply(plan_of(world))
    kinds = [type(event) for event in told]
    assert kinds[:6] == [Sending, Answered, Retrying, Sending, Answered, Waiting]
    sending, refused, retrying, _, answered = told[:5]
    assert isinstance(sending, Sending)
    assert (sending.call, sending.number, sending.total) == ("UpdateFunctionConfiguration", 1, 3)
    assert isinstance(refused, Answered)
    assert (refused.error, refused.reason) == ("Throttled", "rate exceeded")
    assert isinstance(retrying, Retrying)
    assert 0 <= retrying.seconds <= 1
    assert isinstance(answered, Answered)
    assert answered.gave.startswith("revision-")


def test_no_event_has_a_value_of_the_environment(world: World) -> None:
    told: list[Event] = []
    step = UpdateConfiguration(environment=(("TOKEN", "secret-1"),))
    executor(world, told).apply(Plan(begin=world.state, steps=(step,)))
    assert "TOKEN" in repr(told)
    assert "secret-1" not in repr(told)


def test_who_listens_can_keep_a_call_from_being_sent(world: World) -> None:
    def stop(event: Event) -> None:
        raise InputError(sentence(event))

    with pytest.raises(InputError):
        Executor(world.plane, NAME, clock=world.clock, random=Random(1), tell=stop).apply(
            plan_of(world)
        )
    assert world.plane.updates == []


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

    @property
    def now(self) -> float:
        return self._world.clock.now

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
            executor(world, api=mortal, clock=mortal).apply(plan_of(world))  # type: ignore[arg-type] # hands all on
            break
        except Killed:
            executor(world).apply(plan_of(world))
            assert arrived(world), moments
    assert moments > 20, "it was killed at every call and every wait"


ERRORS = [
    Throttled("rate exceeded"),
    Conflict("in progress"),
    RevisionMismatch("not the latest"),
    Unanswered("the connection was closed"),
]


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


def test_a_pause_is_as_long_as_the_api_asks_and_a_little_more(world: World) -> None:
    told: list[Event] = []
    error = Throttled("rate exceeded", retry_after=7)
    world.plane.faults = [Fault(call="update_configuration", error=error)]
    executor(world, told).apply(plan_of(world))
    (pause,) = (event.seconds for event in told if isinstance(event, Retrying))
    assert 7 <= pause <= 8


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("call", ["update_configuration", "get_function"])
def test_what_is_never_taken_is_given_up_with_a_reason(
    world: World, call: str, error: Throttled
) -> None:
    world.plane.faults = [Fault(call=call, error=error)] * 100
    with pytest.raises(Stopped, match=rf"given up after {TRIES} tries of .*: {error.message}"):
        executor(world).apply(plan_of(world))
    assert len(world.plane.faults) == 100 - TRIES
    assert world.clock.now < 300


class Forgetful:
    """An API that accepts updates and carries none of them out."""

    def __init__(self, world: World) -> None:
        self.accepted = 0
        self._plane = world.plane

    def update_configuration(self, function: str, *_: object, revision: str) -> Function:
        del revision
        self.accepted += 1
        return self._plane.get_function(function)

    def __getattr__(self, name: str) -> object:
        return getattr(self._plane, name)


def test_what_is_accepted_and_never_shows_is_sent_a_few_times_only(world: World) -> None:
    api = Forgetful(world)
    with pytest.raises(Stopped, match="it was accepted, and doesn't show"):
        executor(world, api=api).apply(plan_of(world))  # type: ignore[arg-type] # hands all on
    assert api.accepted == TRIES
    assert world.clock.now < 300


@pytest.mark.parametrize(
    "error",
    [
        Refused("white space"),
        NotFound("no such function"),
        Denied("not authorized", action="lambda:UpdateFunctionConfiguration"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_api_refuses_is_not_tried_again(world: World, error: Refused) -> None:
    world.plane.faults = [Fault(call="update_configuration", error=error)]
    with pytest.raises(type(error), match=error.message):
        executor(world).apply(plan_of(world))
    assert world.plane.updates == []


FAILS = "FunctionError.InvalidEntryPoint"


def test_an_update_that_fails_ends_the_run_with_its_reason(world: World) -> None:
    world.plane.failing_update = FAILS
    with pytest.raises(Stopped, match=f"the update failed, {FAILS}: the update was made to fail"):
        executor(world).apply(plan_of(world))
    assert len(world.plane.updates) == 1


@pytest.mark.parametrize("number", range(3))
def test_the_next_run_sends_again_what_failed_in_the_one_before(world: World, number: int) -> None:
    executor(world).apply(Plan(begin=world.state, steps=plan_of(world).steps[:number]))
    world.plane.failing_update = FAILS
    with pytest.raises(Stopped, match=FAILS):
        executor(world).apply(plan_of(world))
    assert executor(world).apply(plan_of(world)) == 3 - number
    assert arrived(world)


@pytest.mark.parametrize("error", [None, *ERRORS], ids=lambda error: type(error).__name__)
def test_a_function_whose_last_update_failed_before_is_brought_on(
    world: World, error: Throttled | None
) -> None:
    world.plane.failing_update = FAILS
    world.change_handler(world.state.handler)
    world.clock.sleep(5)
    if error:
        world.plane.faults = [Fault(call="update_configuration", error=error)]
    assert executor(world).apply(plan_of(world)) == 3
    assert arrived(world)


def test_a_failure_of_somebody_elses_update_in_between_is_none_of_ours(world: World) -> None:
    def interfere(event: Event) -> None:
        if isinstance(event, Sending) and event.number == 2 and len(world.plane.updates) == 1:
            world.plane.failing_update = FAILS
            world.change_handler()

    run = Executor(world.plane, NAME, clock=world.clock, random=Random(1), tell=interfere)
    assert run.apply(plan_of(world)) == 3
    assert arrived(world)


def test_an_update_that_never_takes_hold_ends_the_run(tmp_path: Path) -> None:
    slow = replace(QUICK, update=(1e6, 1e6))
    world = World(folder=tmp_path, timing=slow)
    with pytest.raises(Stopped, match=r"has not taken hold in 300 seconds: UpdateFunctionConf"):
        executor(world).apply(plan_of(world))
    assert world.clock.now < 400


def test_a_function_that_is_in_none_of_the_states_is_left_alone(world: World) -> None:
    world.change_handler("other")
    world.clock.sleep(5)
    with pytest.raises(Stopped, match=r"somebody else changed the function: .* handler other$"):
        executor(world).apply(plan_of(world))
    assert world.plane.get_function(NAME).handler == "other"


def test_a_change_by_somebody_else_half_way_ends_the_run(world: World) -> None:
    run = executor(world)
    run.apply(Plan(begin=world.state, steps=plan_of(world).steps[:1]))
    world.clock.after(4.7, lambda: world.change_handler("other"))
    with pytest.raises(Stopped, match="somebody else changed the function"):
        run.apply(plan_of(world))


def test_of_a_changed_environment_only_names_are_said(world: World) -> None:
    change = Configuration(environment=(("KEY", "secret-1"),))
    world.plane.update_configuration(NAME, change, revision=world.revision)
    with pytest.raises(Stopped, match=r"none of the plan's states it has environment \(KEY\)$"):
        executor(world).apply(plan_of(world))


def test_a_function_that_was_put_back_is_left_alone(world: World) -> None:
    def put_back(event: Event) -> None:
        if isinstance(event, Sending) and event.number == 2:
            world.change_handler("orders")

    run = Executor(world.plane, NAME, clock=world.clock, random=Random(1), tell=put_back)
    with pytest.raises(Stopped, match="put back to an earlier state"):
        run.apply(plan_of(world))
    assert len(world.plane.updates) == 2, "ours and theirs"


def test_two_at_once_bring_the_function_where_one_does(world: World) -> None:
    def overtake(event: Event) -> None:
        if isinstance(event, Sending) and event.number == 1:
            executor(world).apply(plan_of(world))

    run = Executor(world.plane, NAME, clock=world.clock, random=Random(1), tell=overtake)
    run.apply(plan_of(world))
    assert len(world.plane.updates) == 3
    assert arrived(world)


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
        run = Executor(
            world.plane, NAME, clock=world.clock, random=Random(1), layers={known.path: arn}
        )
        assert run.apply(plan) == calls
    first, second = world.plane.get_function(NAME).layers
    assert first == arn
    assert second.endswith(":layer:new:1")


@pytest.mark.parametrize("is_carried_out", [False, True], ids=["not published", "published"])
def test_a_layer_whose_answer_was_lost_is_found_again(
    world: World, tmp_path: Path, *, is_carried_out: bool
) -> None:
    layer = zipped(tmp_path / "it's new.zip", {"extensions/b": b"#!/bin/sh\n"})
    lost = Fault(call="publish_layer", error=ERRORS[3], is_carried_out=is_carried_out)
    world.plane.faults = [lost]
    plan = Plan(begin=world.state, steps=(UpdateConfiguration(layers=(layer,)),))
    assert executor(world).apply(plan) == 1
    (arn,) = world.plane.get_function(NAME).layers
    assert arn.endswith(":layer:it-s-new:1")


def test_a_folder_is_no_zip_to_upload(world: World, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    plan = Plan(
        begin=world.state,
        steps=(UpdateCode(package=read_package(tmp_path / "folder"), arch=Arch.X86_64),),
    )
    with pytest.raises(InputError, match="only a zip can be uploaded"):
        executor(world).apply(plan)
    assert world.clock.now == 0, "nothing was sent"
