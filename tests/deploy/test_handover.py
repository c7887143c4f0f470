"""CodeDeploy moves the alias: once, watched until it ends, and stopped by whoever interrupts."""

from __future__ import annotations

import json
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from shim.aws.api import Refused, Unanswered
from shim.aws.codedeploy import DeploymentStatus, Group
from shim.deploy.alias import AliasExecutor
from shim.deploy.events import Waiting
from shim.deploy.patience import Stopped
from shim.deploy.transition import Handover, Transition
from tests.deploy.services import MemoryCodeDeploy
from tests.deploy.test_alias import aliased, executor, plan_of, where
from tests.deploy.test_executor import Killed, Mortal
from tests.plan.worlds import NAME, World

if TYPE_CHECKING:
    from pathlib import Path

    from shim.deploy.events import Event

GROUP = Group(application="shop", name="orders")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return aliased(tmp_path)


@pytest.fixture
def codedeploy(world: World) -> MemoryCodeDeploy:
    return MemoryCodeDeploy(plane=world.plane)


def handed(codedeploy: MemoryCodeDeploy) -> Transition:
    return Transition(handover=Handover(codedeploy=codedeploy, group=GROUP))


def test_it_gets_a_spec_that_names_both_versions_and_moves_the_alias(
    world: World, codedeploy: MemoryCodeDeploy
) -> None:
    assert executor(world).apply_alias(plan_of(world), handed(codedeploy)) == "2"
    assert where(world) == ("2", None)
    (shift,) = codedeploy.shifts.values()
    (resource,) = json.loads(shift.spec)["Resources"]
    assert resource[NAME] == {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Name": NAME, "Alias": "live", "CurrentVersion": "1", "TargetVersion": "2"},
    }


def test_a_second_run_hands_nothing_over(world: World, codedeploy: MemoryCodeDeploy) -> None:
    for _ in range(2):
        executor(world).apply_alias(plan_of(world), handed(codedeploy))
    assert len(codedeploy.shifts) == 1


def test_a_lost_answer_and_a_kill_are_taken_up_by_the_deployment_that_is_running(
    tmp_path: Path,
) -> None:
    for moments in count(step=3):
        world = aliased(tmp_path)
        codedeploy = MemoryCodeDeploy(plane=world.plane, errors=[Unanswered("no answer")])
        mortal = Mortal(world, moments)
        killed = AliasExecutor(mortal, NAME, clock=mortal, random=Random(1))  # type: ignore[arg-type] # hands all on
        try:
            killed.apply_alias(plan_of(world), handed(codedeploy))
            break
        except Killed:
            assert executor(world).apply_alias(plan_of(world), handed(codedeploy)) == "2"
            assert len(codedeploy.shifts) == 1, moments
    assert moments > 20, "it was killed at every call and every wait"


def test_a_deployment_that_fails_ends_it_with_its_reason(
    world: World, codedeploy: MemoryCodeDeploy
) -> None:
    codedeploy.ends = DeploymentStatus.FAILED
    with pytest.raises(Stopped, match="CodeDeploy's deployment d-0 has failed: as told"):
        executor(world).apply_alias(plan_of(world), handed(codedeploy))
    assert where(world) == ("1", None)


def test_what_codedeploy_refuses_is_not_tried_again(
    world: World, codedeploy: MemoryCodeDeploy
) -> None:
    codedeploy.errors = [Refused("CreateDeployment: DeploymentLimitExceededException: no")]
    with pytest.raises(Refused, match="DeploymentLimitExceeded"):
        executor(world).apply_alias(plan_of(world), handed(codedeploy))


def test_another_deployment_of_the_group_is_not_overtaken(
    world: World, codedeploy: MemoryCodeDeploy
) -> None:
    codedeploy.create(GROUP, "another spec")
    codedeploy.plane.clock.after(0, lambda: None)
    with pytest.raises(Stopped, match="another deployment of the group is running: d-0"):
        executor(world).apply_alias(plan_of(world), handed(codedeploy))


def test_who_interrupts_stops_it(world: World, codedeploy: MemoryCodeDeploy) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Waiting) and "CodeDeploy" in event.text:
            raise KeyboardInterrupt

    moving = AliasExecutor(world.plane, NAME, clock=world.clock, random=Random(1), tell=interrupt)
    with pytest.raises(KeyboardInterrupt):
        moving.apply_alias(plan_of(world), handed(codedeploy))
    assert codedeploy.shifts["d-0"].status is DeploymentStatus.STOPPED
    assert where(world) == ("1", None)


def test_a_group_for_servers_is_refused_before_anything_is_touched(
    world: World, codedeploy: MemoryCodeDeploy
) -> None:
    codedeploy.on = "Server"
    with pytest.raises(Stopped, match="shop/orders deploys to Server, not to Lambda"):
        handed(codedeploy).look(world.plane, NAME, plan_of(world))
