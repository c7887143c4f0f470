"""Traffic moves by shares under watch, and comes back where an alarm rings."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from shim.aws.alarms import AlarmState
from shim.aws.api import (
    LATEST,
    Alias,
    Denied,
    Invoked,
    Provisioned,
    ProvisionedStatus,
    Throttled,
    Unanswered,
)
from shim.deploy.alias import AliasExecutor
from shim.deploy.events import Waiting, sentence
from shim.deploy.expected import Expected
from shim.deploy.patience import Stopped
from shim.deploy.transition import Standing, Transition, Watch
from shim.simulate.control import Fault
from tests.deploy.services import MemoryAlarms
from tests.deploy.test_alias import aliased, executor, plan_of, where
from tests.deploy.test_executor import Killed, Mortal
from tests.plan.worlds import LIVE, NAME, World

if TYPE_CHECKING:
    from pathlib import Path

    from shim.deploy.events import Event

READY = Provisioned(status=ProvisionedStatus.READY)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return aliased(tmp_path)


@pytest.fixture
def alarms() -> MemoryAlarms:
    return MemoryAlarms(states={"errors": AlarmState.OK, "latency": AlarmState.OK})


def watched(alarms: MemoryAlarms, *names: str, pause: float = 60.0) -> Transition:
    return Transition(pause=pause, watch=Watch(alarms=alarms, names=names or ("errors", "latency")))


def set_alias(world: World, version: str, other: str | None = None, weight: float = 0.0) -> None:
    guard = world.plane.get_alias(NAME, LIVE).revision
    alias = Alias(
        name=LIVE, version=version, other_version=other, other_weight=weight, revision=guard
    )
    world.plane.update_alias(NAME, alias)


def change_by_others(world: World) -> str:
    """A version of something else."""
    world.change_handler()
    world.clock.sleep(5)
    return world.publish().version


def test_an_alarm_that_rings_brings_all_traffic_back_and_says_so(
    world: World, alarms: MemoryAlarms
) -> None:
    told: list[Event] = []

    def tell(event: Event) -> None:
        told.append(event)
        if isinstance(event, Waiting) and "50% on version 2" in event.text:
            world.clock.after(25, lambda: alarms.ring("latency"))

    moving = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=tell)
    with pytest.raises(Stopped, match=r"latency is in ALARM: .*; the alias live is all on ver"):
        moving.apply_alias(plan_of(world, shares=(0.1, 0.5)), watched(alarms))
    assert where(world) == ("1", None)
    moves = [line for line in map(sentence, told) if line.startswith("moving")]
    assert [line.rpartition(" ")[2] for line in moves] == ["10%", "50%", "1"]


def test_an_alarm_that_rings_after_all_traffic_was_moved_brings_it_back_too(
    world: World, alarms: MemoryAlarms
) -> None:
    def tell(event: Event) -> None:
        if isinstance(event, Waiting) and "100% on version 2" in event.text:
            world.clock.after(59, lambda: alarms.ring("errors"))

    moving = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=tell)
    with pytest.raises(Stopped, match="errors is in ALARM"):
        moving.apply_alias(plan_of(world), watched(alarms))
    assert where(world) == ("1", None)


def test_where_no_alarm_rings_each_share_has_its_pause(world: World, alarms: MemoryAlarms) -> None:
    begin = world.clock.now
    assert executor(world).apply_alias(plan_of(world, shares=(0.1,)), watched(alarms)) == "2"
    assert where(world) == ("2", None)
    assert world.clock.now - begin > 120


def test_alarms_that_can_not_be_read_for_a_moment_are_read_again(
    world: World, alarms: MemoryAlarms
) -> None:
    alarms.errors += [Throttled("rate exceeded"), Unanswered("no answer")]
    assert executor(world).apply_alias(plan_of(world, shares=(0.1,)), watched(alarms)) == "2"


@pytest.mark.parametrize("error", [Unanswered("no answer"), Denied("no", action="x")])
def test_alarms_that_can_not_be_read_any_more_bring_the_traffic_back(
    world: World, alarms: MemoryAlarms, error: Unanswered
) -> None:
    alarms.errors += [error] * 20
    with pytest.raises(Stopped, match=r"alarms can't be watched: .*; the alias live is all on"):
        executor(world).apply_alias(plan_of(world, shares=(0.1,)), watched(alarms))
    assert where(world) == ("1", None)


def test_where_the_way_back_is_barred_the_call_for_it_is_said(
    world: World, alarms: MemoryAlarms
) -> None:
    def tell(event: Event) -> None:
        if isinstance(event, Waiting) and "10% on version 2" in event.text:
            alarms.ring("errors")
            denied = Denied("not any more", action="lambda:UpdateAlias")
            world.plane.faults.append(Fault(call="update_alias", error=denied))

    moving = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=tell)
    with pytest.raises(Stopped, match="could not be moved back: not any more") as caught:
        moving.apply_alias(plan_of(world, shares=(0.1,)), watched(alarms))
    assert "aws lambda update-alias --name live --function-version 1" in (caught.value.hint or "")


def test_somebody_who_moves_the_alias_in_the_pause_is_not_overwritten(
    world: World, alarms: MemoryAlarms
) -> None:
    def tell(event: Event) -> None:
        if isinstance(event, Waiting) and "10% on version 2" in event.text:
            world.clock.after(5, lambda: set_alias(world, LATEST))
            world.clock.after(20, lambda: alarms.ring("errors"))

    moving = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=tell)
    with pytest.raises(Stopped, match="somebody else moved the alias live"):
        moving.apply_alias(plan_of(world, shares=(0.1,)), watched(alarms))
    assert where(world) == (LATEST, None)


def test_an_alias_that_moves_between_reading_and_moving_it_is_not_overwritten(
    world: World,
) -> None:
    def tell(event: Event) -> None:
        if sentence(event) == "moving live to version 2: 100%":
            set_alias(world, LATEST)

    moving = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=tell)
    with pytest.raises(Stopped, match=r"somebody else moved the alias live: it is on \$LATEST"):
        moving.apply_alias(plan_of(world))
    assert where(world) == (LATEST, None)


def test_a_run_that_was_killed_at_any_moment_of_it_all_is_taken_up(tmp_path: Path) -> None:
    for moments in count(step=2):
        world = aliased(tmp_path)
        world.plane.provisioning.configs[LIVE] = READY
        traffic = watched(MemoryAlarms(states={"errors": AlarmState.OK}), "errors", pause=20)
        plan = plan_of(world, shares=(0.1, 0.5))
        mortal = Mortal(world, moments)
        killed = AliasExecutor(mortal, NAME, clock=mortal, random=Random(1))  # type: ignore[arg-type] # hands all on
        try:
            killed.apply_alias(plan, traffic)
            break
        except Killed:
            assert not traffic.look(world.plane, NAME, plan).notes, (
                "what is under way stands against nothing"
            )
            assert executor(world).apply_alias(plan, traffic) == "2"
            assert where(world) == ("2", None), moments
    assert moments > 40, "it was killed at every call and every wait"


def test_what_has_traffic_already_is_not_invoked_again(world: World) -> None:
    invoked: list[str] = []

    def invoke(version: str, event: bytes) -> Invoked:
        invoked.append(f"{version} {event.decode()}")
        return Invoked(error_type=None, payload=b"null")

    world.plane.invoker = invoke
    for _ in range(2):
        executor(world).apply_alias(plan_of(world), Transition(event=b'{"a": 1}'))
    assert invoked == ['2 {"a": 1}']


def test_a_version_that_answers_something_else_gets_no_traffic(world: World) -> None:
    world.plane.invoker = lambda *_: Invoked(error_type=None, payload=b'{"statusCode": 502}')
    with pytest.raises(Stopped, match=r"doesn't answer as expected at \$\.statusCode") as caught:
        executor(world).apply_alias(
            plan_of(world), Transition(expected=Expected(value={"statusCode": 200}))
        )
    assert "expected was 200, it has 502" in (caught.value.hint or "")
    assert where(world) == ("1", None)


def test_a_version_that_never_becomes_active_ends_it_with_the_reason(world: World) -> None:
    world.plane.failing_version = "InvalidSubnet: no such subnet"
    with pytest.raises(Stopped, match="version 2 can't become active, InvalidSubnet"):
        executor(world).apply_alias(plan_of(world))
    assert where(world) == ("1", None)


def test_provisioned_concurrency_is_waited_for_and_lambdas_own_weights_are_no_foreign_ones(
    world: World,
) -> None:
    world.plane.provisioning.configs[LIVE] = READY
    told: list[Event] = []
    assert executor(world, told).apply_alias(plan_of(world)) == "2"
    assert where(world) == ("2", None)
    assert world.plane.get_provisioned(NAME, LIVE) == READY
    assert "waiting until the provisioned concurrency of live is ready" in map(sentence, told)


def test_provisioned_concurrency_that_fails_is_said_with_its_reason(world: World) -> None:
    world.plane.provisioning.configs[LIVE] = READY
    world.plane.provisioning.failing = "too much is reserved"
    with pytest.raises(Stopped, match="provisioned concurrency of live failed: too much is reser"):
        executor(world).apply_alias(plan_of(world))


def test_a_weight_of_the_old_version_without_such_concurrency_is_somebody_elses(
    world: World,
) -> None:
    executor(world).apply_alias(plan_of(world))
    set_alias(world, "2", other="1", weight=0.9)
    with pytest.raises(Stopped, match="by a weight of 90% on 1"):
        executor(world).apply_alias(plan_of(world))


def test_nothing_stands_against_what_is_well(world: World, alarms: MemoryAlarms) -> None:
    plan = plan_of(world, shares=(0.1,))
    assert watched(alarms).look(world.plane, NAME, plan) == Standing(share=0.0)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [(None, "there is no such alarm"), (AlarmState.ALARM, "is in ALARM already")],
)
def test_an_alarm_that_is_missing_or_rings_is_said_before_anything_is_touched(
    world: World, alarms: MemoryAlarms, state: AlarmState | None, sentence: str
) -> None:
    del alarms.states["latency"]
    if state:
        alarms.states["latency"] = state
    with pytest.raises(Stopped, match=sentence):
        watched(alarms).look(world.plane, NAME, plan_of(world))


def test_where_it_is_under_way_the_share_is_told_and_an_alarm_that_rings_brings_it_back(
    world: World, alarms: MemoryAlarms
) -> None:
    plan, transition = plan_of(world, shares=(0.1,)), watched(alarms)

    def kill(event: Event) -> None:
        if isinstance(event, Waiting) and "10% on version 2" in event.text:
            raise Killed

    killed = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=kill)
    with pytest.raises(Killed):
        killed.apply_alias(plan, transition)
    assert transition.look(world.plane, NAME, plan) == Standing(share=0.1)
    alarms.ring("errors")
    standing = transition.look(world.plane, NAME, plan)
    assert standing.notes == ("the alarm errors is in ALARM, which brings the traffic back",)
    with pytest.raises(Stopped, match="errors is in ALARM"):
        executor(world).apply_alias(plan, transition)
    assert where(world) == ("1", None)


def test_an_alarm_without_data_is_no_reason_to_stop_and_is_said(
    world: World, alarms: MemoryAlarms
) -> None:
    alarms.states["errors"] = AlarmState.INSUFFICIENT_DATA
    (note,) = watched(alarms).look(world.plane, NAME, plan_of(world)).notes
    assert note.startswith("the alarm errors has not enough data")


def test_weights_that_another_tool_left_are_found_before_anything_is_touched(world: World) -> None:
    plan = plan_of(world)
    set_alias(world, "1", other=change_by_others(world), weight=0.25)
    with pytest.raises(Stopped, match="it is on 1, and by a weight of 25% on 2"):
        Transition().look(world.plane, NAME, plan)


def test_an_alias_on_a_version_that_nobody_planned_is_found_too(world: World) -> None:
    plan = plan_of(world)
    set_alias(world, change_by_others(world))
    with pytest.raises(Stopped, match="somebody else moved the alias live: it is on 2"):
        Transition().look(world.plane, NAME, plan)


@pytest.mark.parametrize("what", ["role", "dead_letters"])
def test_what_two_versions_of_an_alias_may_not_differ_in_is_refused_with_the_reason(
    world: World, what: str
) -> None:
    world.plane.equip(**{what: "arn:aws:iam::123456789012:role/other"})
    with pytest.raises(Stopped, match=r"version 1 and \$LATEST differ in their") as caught:
        Transition().look(world.plane, NAME, plan_of(world, shares=(0.1,)))
    assert "move it at once" in (caught.value.hint or "")
    assert not Transition().look(world.plane, NAME, plan_of(world)).notes, "at once it goes"
