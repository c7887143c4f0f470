"""An alias moves over the wire: boto3 talks to served control planes, and to moto for alarms."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shim.aws.alarms import BotoAlarms
from shim.aws.api import Alias, Provisioned, ProvisionedStatus
from shim.aws.boto import open_api
from shim.aws.codedeploy import BotoCodeDeploy, Group
from shim.aws.connection import Connection
from shim.deploy.alias import AliasExecutor
from shim.deploy.events import Sending, Waiting
from shim.deploy.patience import Stopped
from shim.deploy.transition import Handover, Transition, Watch
from tests.aws.test_traffic_services import METRIC
from tests.deploy.test_alias import plan_of
from tests.plan.worlds import LIVE, NAME, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shim.deploy.events import Event
    from shim.simulate.control import ControlPlane
    from tests.aws.wire.server import Cloud


class CloudClock:
    """Time of the served control planes."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    @property
    def now(self) -> float:
        return self._cloud.clock.now

    def sleep(self, seconds: float) -> None:
        self._cloud.sleep(seconds)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


@pytest.fixture
def plane(cloud: Cloud, world: World) -> ControlPlane:
    plane = cloud.account().create(NAME, world.state).plane
    now = plane.get_function(NAME)
    plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    cloud.sleep(5)
    plane.aliases.put(Alias(name=LIVE, version="1"))
    return plane


def moving(cloud: Cloud, tell: Callable[[Event], None] = lambda _: None) -> AliasExecutor:
    api = open_api(Connection())
    return AliasExecutor(api, NAME, clock=CloudClock(cloud), random=Random(1), tell=tell)


@pytest.fixture
def cloudwatch(cloud: Cloud) -> Any:
    del cloud
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(AlarmName="errors", **METRIC)
    client.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="none")
    return client


def test_by_shares_and_with_provisioned_concurrency(
    cloud: Cloud, world: World, plane: ControlPlane, cloudwatch: Any
) -> None:
    ready = Provisioned(status=ProvisionedStatus.READY)
    plane.provisioning.configs[LIVE] = ready
    plan = plan_of(world, shares=(0.1,))
    transition = Transition(watch=Watch(alarms=BotoAlarms(cloudwatch), names=("errors",)))
    assert transition.look(open_api(Connection()), NAME, plan).notes == ()
    assert moving(cloud).apply_alias(plan, transition) == "2"
    now = plane.get_alias(NAME, LIVE)
    assert (now.version, now.other_version) == ("2", None)
    assert plane.provisioning.configs[LIVE] == ready


def test_an_alarm_brings_it_back(
    cloud: Cloud, world: World, plane: ControlPlane, cloudwatch: Any
) -> None:
    def tell(event: Event) -> None:
        if isinstance(event, Waiting) and "10% on version 2" in event.text:
            cloudwatch.set_alarm_state(
                AlarmName="errors", StateValue="ALARM", StateReason="5 errors"
            )

    watch = Watch(alarms=BotoAlarms(cloudwatch), names=("errors",))
    with pytest.raises(Stopped, match="errors is in ALARM: 5 errors; the alias live is all on"):
        moving(cloud, tell).apply_alias(plan_of(world, shares=(0.1,)), Transition(watch=watch))
    assert plane.get_alias(NAME, LIVE).version == "1"


@pytest.mark.parametrize("field", ["role", "dead_letters"])
def test_what_an_alias_can_not_split_is_told_apart_over_the_wire(
    world: World, plane: ControlPlane, field: str
) -> None:
    plane.equip(**{field: "arn:aws:iam::123456789012:role/another"})
    with pytest.raises(Stopped, match="differ in their"):
        Transition().look(open_api(Connection()), NAME, plan_of(world, shares=(0.1,)))


def test_codedeploy_is_told_once_and_what_runs_is_found(
    cloud: Cloud, world: World, plane: ControlPlane
) -> None:
    """moto's deployments never end: the run is left where it waits for it."""

    class Left(BaseException):
        pass

    def tell(event: Event) -> None:
        if isinstance(event, Waiting) and "CodeDeploy" in event.text:
            raise Left
        created.extend([event] if isinstance(event, Sending) else [])

    created: list[Sending] = []
    client, group = boto3.client("codedeploy"), Group(application="shop", name="orders")
    client.create_application(applicationName="shop", computePlatform="Lambda")
    client.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="orders",
        serviceRoleArn="arn:aws:iam::123456789012:role/codedeploy",
    )
    handover = Handover(codedeploy=BotoCodeDeploy(client), group=group)
    for _ in range(2):
        with pytest.raises(Left):
            moving(cloud, tell).apply_alias(plan_of(world), Transition(handover=handover))
    assert [one.call for one in created].count("CreateDeployment") == 1
    assert plane.get_alias(NAME, LIVE).version == "1"
