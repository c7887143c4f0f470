"""Alarms and CodeDeploy as boto3 has them, against moto; what moto lacks, against the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from shim.aws.alarms import RECENT_SECONDS, Alarm, AlarmState, BotoAlarms, RecentAlarms
from shim.aws.api import Denied, Provisioned, ProvisionedStatus, Refused, Unanswered
from shim.aws.boto import BotoApi
from shim.aws.codedeploy import BotoCodeDeploy, DeploymentStatus, Group, Shift, app_spec
from shim.simulate.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.aws.connection import Connection
    from tests.aws.wire.server import Cloud

GROUP = Group(application="shop", name="orders")
SPEC = app_spec(function="orders", alias="live", old="1", new="2")
METRIC = {
    "Namespace": "AWS/Lambda",
    "MetricName": "Errors",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Statistic": "Sum",
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


@pytest.fixture
def cloudwatch(cloud: Cloud) -> Any:
    del cloud
    return boto3.client("cloudwatch")


def test_alarms_have_their_state_and_those_that_are_not_there_are_left_out(
    cloudwatch: Any,
) -> None:
    for name in ("errors", "others"):
        cloudwatch.put_metric_alarm(AlarmName=name, **METRIC)
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="3 of 1")
    found = BotoAlarms(cloudwatch).describe(["errors", "none"])
    assert found == (Alarm(name="errors", state=AlarmState.ALARM, reason="3 of 1"),)


def test_composite_alarms_are_asked_for_only_where_no_metric_has_the_name(
    account: Connection,
) -> None:
    client = account.client("cloudwatch")
    one, other = (
        {"AlarmName": name, "StateValue": "OK", "StateReason": "fine"} for name in ("one", "other")
    )
    with Stubber(client) as stubber:
        stubber.add_response(
            "describe_alarms",
            {"MetricAlarms": [one], "CompositeAlarms": []},
            {"AlarmNames": ["one", "other"], "AlarmTypes": ["MetricAlarm"]},
        )
        stubber.add_response(
            "describe_alarms",
            {"MetricAlarms": [], "CompositeAlarms": [other]},
            {"AlarmNames": ["other"], "AlarmTypes": ["CompositeAlarm"]},
        )
        names = [one.name for one in BotoAlarms(client).describe(["one", "other"])]
        assert names == ["one", "other"]


class Counting:
    """Alarms that ring at the third look; the first is not answered."""

    looks = 0

    def describe(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        self.looks += 1
        if self.looks == 1:
            raise Unanswered("no answer")
        state = AlarmState.OK if self.looks == 2 else AlarmState.ALARM
        return tuple(Alarm(name=name, state=state) for name in names)


def test_many_who_watch_the_same_alarms_look_once_in_a_while() -> None:
    clock, counting = Timeline(), Counting()
    alarms = RecentAlarms(counting, now=lambda: clock.now)
    with pytest.raises(Unanswered):
        alarms.describe(["errors"])
    for _ in range(256):
        assert alarms.describe(["errors"])[0].state is AlarmState.OK
    assert counting.looks == 2, "what was not answered is asked again"
    clock.sleep(RECENT_SECONDS)
    assert alarms.describe(["errors"])[0].state is AlarmState.ALARM


@pytest.fixture
def codedeploy(cloud: Cloud) -> Any:
    del cloud
    client = boto3.client("codedeploy")
    client.create_application(applicationName=GROUP.application, computePlatform="Lambda")
    client.create_deployment_group(
        applicationName=GROUP.application,
        deploymentGroupName=GROUP.name,
        serviceRoleArn="arn:aws:iam::123456789012:role/codedeploy",
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
    return client


def test_a_deployment_is_made_found_again_and_read(codedeploy: Any) -> None:
    api = BotoCodeDeploy(codedeploy)
    assert api.platform(GROUP) == "Lambda"
    assert api.running(GROUP) == ()
    deployment = api.create(GROUP, SPEC)
    assert [one.id for one in api.running(GROUP)] == [deployment]
    assert api.get(deployment).spec == SPEC


def test_a_group_that_is_not_there_is_refused(codedeploy: Any) -> None:
    with pytest.raises(Refused, match="DeploymentGroupDoesNotExistException"):
        BotoCodeDeploy(codedeploy).platform(Group(application="shop", name="none"))


def test_what_codedeploy_says_of_a_failure_is_its_reason(account: Connection) -> None:
    client = account.client("codedeploy")
    info = {
        "status": "Failed",
        "revision": {"revisionType": "String", "string": {"content": SPEC}},
        "errorInformation": {"code": "ALARM_ACTIVE", "message": "one of the alarms rang"},
    }
    with Stubber(client) as stubber:
        stubber.add_response("get_deployment", {"deploymentInfo": info}, {"deploymentId": "d-1"})
        assert BotoCodeDeploy(client).get("d-1") == Shift(
            id="d-1",
            status=DeploymentStatus.FAILED,
            spec=SPEC,
            reason="ALARM_ACTIVE: one of the alarms rang",
        )


def test_all_pages_of_running_deployments_are_read(account: Connection) -> None:
    client = account.client("codedeploy")
    with Stubber(client) as stubber:
        stubber.add_response("list_deployments", {"deployments": ["d-1"], "nextToken": "more"})
        stubber.add_response("get_deployment", {"deploymentInfo": {"status": "Ready"}})
        stubber.add_response("list_deployments", {"deployments": ["d-2"]})
        stubber.add_response("get_deployment", {"deploymentInfo": {"status": "Baking"}})
        assert [one.id for one in BotoCodeDeploy(client).running(GROUP)] == ["d-1", "d-2"]


def test_to_stop_a_deployment_brings_the_alias_back(account: Connection) -> None:
    client = account.client("codedeploy")
    expected = {"deploymentId": "d-1", "autoRollbackEnabled": True}
    with Stubber(client) as stubber:
        stubber.add_response("stop_deployment", {"status": "Pending"}, expected)
        BotoCodeDeploy(client).stop("d-1")
        stubber.add_client_error("stop_deployment", "AccessDeniedException", "no", 400)
        with pytest.raises(Denied) as caught:
            BotoCodeDeploy(client).stop("d-1")
    assert caught.value.action == "codedeploy:StopDeployment"


def test_the_spec_is_one_line_of_json_with_the_names_that_codedeploy_knows() -> None:
    assert json.loads(SPEC)["Resources"] == [
        {
            "orders": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Name": "orders",
                    "Alias": "live",
                    "CurrentVersion": "1",
                    "TargetVersion": "2",
                },
            }
        }
    ]


def test_provisioned_concurrency_is_read_and_there_may_be_none(account: Connection) -> None:
    client = account.client()
    asked = {"FunctionName": "orders", "Qualifier": "live"}
    with Stubber(client) as stubber:
        stubber.add_response(
            "get_provisioned_concurrency_config",
            {"Status": "FAILED", "StatusReason": "no room"},
            asked,
        )
        stubber.add_client_error(
            "get_provisioned_concurrency_config",
            "ProvisionedConcurrencyConfigNotFoundException",
            "none",
            404,
        )
        api = BotoApi(client)
        failed = Provisioned(status=ProvisionedStatus.FAILED, reason="no room")
        assert api.get_provisioned("orders", "live") == failed
        assert api.get_provisioned("orders", "live") is None
