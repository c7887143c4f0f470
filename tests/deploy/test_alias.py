"""An alias is moved to a version that was tried, whatever goes wrong on the way."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.aws.api import LATEST, Alias, Conflict, Invoked, RevisionMismatch, Throttled
from shim.deploy.alias import AliasExecutor
from shim.deploy.events import sentence
from shim.deploy.patience import Stopped
from shim.deploy.transition import Transition
from shim.simulate.control import Fault
from tests.deploy.test_executor import Killed, Mortal
from tests.plan.worlds import LIVE, NAME, World, alias_plan

if TYPE_CHECKING:
    from pathlib import Path

    from shim.deploy.events import Event
    from shim.plan.alias import AliasPlan


def aliased(folder: Path) -> World:
    """A function whose traffic is on the alias `live`, which is on version 1."""
    world = World(folder=folder)
    world.plane.aliases.put(Alias(name=LIVE, version=world.publish().version))
    return world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return aliased(tmp_path)


def plan_of(world: World, *, shares: tuple[float, ...] = ()) -> AliasPlan:
    return alias_plan(world.state, world.on_arm64, *shares)


def executor(world: World, told: list[Event] | None = None) -> AliasExecutor:
    return AliasExecutor(
        world.plane,
        NAME,
        clock=world.clock,
        random=Random(1),
        tell=(told if told is not None else []).append,
    )


def where(world: World) -> tuple[str, str | None]:
    alias = world.plane.get_alias(NAME, LIVE)
    return alias.version, alias.other_version


def test_the_alias_is_moved_when_the_version_was_published_and_answered(world: World) -> None:
    told: list[Event] = []
    assert executor(world, told).apply_alias(plan_of(world)) == "2"
    assert where(world) == ("2", None)
    assert world.plane.get_function(NAME, LIVE).arch is Arch.ARM64
    assert [sentence(event) for event in told][-7:] == [
        "publishing a version",
        "accepted: publishing a version",
        "waiting until the version is active: 2",
        "invoking the version: 2",
        "accepted: invoking the version: 2",
        "moving live to version 2: 100%",
        "accepted: moving live to version 2: 100%",
    ]


def test_until_then_the_alias_goes_to_the_old_version(world: World) -> None:
    routed: list[str] = []

    def invoke(version: str, _: bytes) -> Invoked:
        routed.append(world.plane.aliases.route(LIVE))
        assert version == "2"
        return Invoked(error_type=None, payload=b"null")

    for second in range(8):
        world.clock.after(second, lambda: routed.append(world.plane.aliases.route(LIVE)))
    world.plane.invoker = invoke
    executor(world).apply_alias(plan_of(world))
    assert routed == ["1"] * 9, "all the time, and when version 2 is tried"


def test_shares_of_the_traffic_are_moved_one_after_the_other(world: World) -> None:
    told: list[Event] = []
    begin = world.clock.now
    executor(world, told).apply_alias(plan_of(world, shares=(0.1, 0.5)), Transition(pause=100))
    moves = [line for line in map(sentence, told) if line.startswith("moving")]
    assert [line.rpartition(" ")[2] for line in moves] == ["10%", "50%", "100%"]
    assert world.clock.now - begin > 200
    assert where(world) == ("2", None)


def test_a_version_that_fails_gets_no_traffic(world: World) -> None:
    world.plane.invoker = lambda *_: Invoked(error_type="Runtime.ExitError", payload=b"status 1")
    with pytest.raises(Stopped, match=r"version 2 fails, Runtime\.ExitError") as caught:
        executor(world).apply_alias(plan_of(world))
    assert (caught.value.hint or "").endswith("it said: status 1"), "what it said is in no record"
    assert where(world) == ("1", None)


def test_a_second_run_publishes_and_moves_nothing(world: World) -> None:
    executor(world).apply_alias(plan_of(world, shares=(0.1,)))
    before = world.plane.get_alias(NAME, LIVE)
    assert executor(world).apply_alias(plan_of(world, shares=(0.1,))) == "2"
    assert world.plane.get_alias(NAME, LIVE) == before


def test_a_run_that_was_killed_is_taken_up_where_it_was(tmp_path: Path) -> None:
    for moments in count():
        world = aliased(tmp_path)
        mortal = Mortal(world, moments)
        killed = AliasExecutor(mortal, NAME, clock=mortal, random=Random(1))  # type: ignore[arg-type] # hands all on
        try:
            killed.apply_alias(plan_of(world, shares=(0.5,)))
            break
        except Killed:
            assert executor(world).apply_alias(plan_of(world, shares=(0.5,))) == "2"
            assert where(world) == ("2", None), moments
    assert moments > 15, "it was killed at every call and every wait"


ERRORS = (Throttled("rate exceeded"), Conflict("in progress"), RevisionMismatch("not the latest"))


@pytest.mark.parametrize("call", ["publish_version", "update_alias"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_call_that_is_not_taken_or_whose_answer_is_lost_is_no_end(
    world: World, call: str, error: Throttled
) -> None:
    for is_carried_out in (False, True):
        world.plane.faults.append(Fault(call=call, error=error, is_carried_out=is_carried_out))
    assert executor(world).apply_alias(plan_of(world)) == "2"
    assert where(world) == ("2", None)


def test_an_alias_that_somebody_else_moved_is_left_alone(world: World) -> None:
    guard = world.plane.get_alias(NAME, LIVE).revision
    world.plane.update_alias(NAME, Alias(name=LIVE, version=LATEST, revision=guard))
    with pytest.raises(Stopped, match=r"somebody else moved the alias live: it is on \$LATEST"):
        executor(world).apply_alias(plan_of(world))
    assert where(world) == (LATEST, None)
