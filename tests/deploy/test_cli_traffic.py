"""`shim deploy` moves traffic on an alias: what is asked of a version, alarms, and CodeDeploy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shim.aws.api import Invoked
from tests.aws.test_traffic_services import METRIC
from tests.deploy.test_cli_deploy import CHANGE, FOLDER, VALUE, aliased, changing, function, shim
from tests.deploy.test_cli_deploy import world as _world

if TYPE_CHECKING:
    from tests.aws.wire.account import Function
    from tests.aws.wire.server import Cloud

__all__ = ["function"]

world = _world
ALIAS = [*CHANGE, "--alias", "live", "--yes", "--pause", "0"]


@pytest.fixture
def live(function: Function) -> Function:
    """The function, with its traffic on the alias `live`."""
    aliased(function)
    return function


def alarm(name: str, state: str) -> Any:
    client = boto3.client("cloudwatch")
    client.put_metric_alarm(AlarmName=name, **METRIC)
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="as told")
    return client


def where(live: Function) -> str:
    return live.plane.get_alias(live.plane.name, "live").version


def test_the_version_gets_the_event_and_its_answer_is_held_against_what_is_expected(
    live: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[bytes] = []

    def invoke(_: str, event: bytes) -> Invoked:
        events.append(event)
        return Invoked(error_type=None, payload=b'{"statusCode": 200, "body": "{}"}')

    live.plane.invoker = invoke
    Path("event.json").write_text('{"id": 7}')
    wrong = ("--event", "event.json", "--expect", '{"statusCode": 201}')
    status, out, _ = shim(capsys, "deploy", *ALIAS, *wrong)
    assert (status, where(live)) == (1, "1")
    assert "version 2 doesn't answer as expected at $.statusCode" in out
    assert "expected was 201, it has 200" in out
    # The same command goes on, and the version that is there is tried again.
    right = ("--event", '{"id": 8}', "--expect", '{"statusCode": 200}')
    status, out, err = shim(capsys, "deploy", FOLDER, "--yes", *right)
    assert (status, where(live)) == (0, "2"), out + err
    assert events == [b'{"id": 7}', b'{"id": 8}']


def test_what_a_failing_version_says_shows_no_value_and_is_in_no_record(
    live: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    said = json.dumps({"errorType": "Oops", "errorMessage": f"can't use {VALUE}, sorry"}).encode()
    live.plane.invoker = lambda *_: Invoked(error_type="Oops", payload=said)
    status, out, _ = shim(capsys, "deploy", *ALIAS)
    assert status == 1
    assert "version 2 fails, Oops" in out
    assert "can't use ***, sorry" in out
    assert "sorry" not in Path(FOLDER, "record.jsonl").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--event", "nowhere.json"], "can't read the event, No such file or directory"),
        (["--event", "{"], "the event given: not JSON"),
        (["--expect", "nowhere.json"], "can't read the answer that is expected"),
        (["--expect", "[1"], "the answer that is expected given: not JSON"),
        (["--codedeploy", "shop"], "not APPLICATION/GROUP: shop"),
        (["--codedeploy", "shop/orders", "--alarm", "x"], "with --codedeploy its group says"),
        (["--pause", "1.5"], "not a whole number"),
    ],
)
def test_bad_usage_is_told_before_anything_is_touched(
    cloud: Cloud,
    live: Function,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    before = list(changing(cloud))
    status, _, err = shim(capsys, "deploy", *ALIAS, *words)
    assert (status, changing(cloud), where(live)) == (2, before, "1")
    assert sentence in err


@pytest.mark.usefixtures("function")
def test_what_is_for_an_alias_is_refused_for_other_traffic(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, _, err = shim(capsys, "deploy", *CHANGE, "--yes", "--alarm", "errors")
    assert status == 2
    assert "--alarm is for traffic on an alias, and the plan is for traffic on the function" in err


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("ALARM", "the alarm errors is in ALARM already: as told"), (None, "there is no such alarm")],
)
def test_an_alarm_that_is_missing_or_rings_is_told_before_anything_is_touched(
    cloud: Cloud,
    live: Function,
    capsys: pytest.CaptureFixture[str],
    state: str | None,
    sentence: str,
) -> None:
    if state:
        alarm("errors", state)
    status, out, err = shim(capsys, "deploy", *ALIAS, "--alarm", "errors")
    assert status == 1
    assert sentence in out + err
    assert "UpdateFunctionConfiguration" not in cloud.calls
    assert where(live) == "1"


def test_an_alarm_without_data_is_said_and_a_second_run_changes_nothing(
    cloud: Cloud, live: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    client = alarm("errors", "INSUFFICIENT_DATA")
    words = ("--alarm", "errors", "--share", "0.1")
    status, out, err = shim(capsys, "deploy", *ALIAS, *words)
    assert (status, where(live)) == (0, "2"), out + err
    assert "the alarm errors has not enough data" in out
    sent = len(changing(cloud))
    client.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="later")
    status, out, err = shim(capsys, "deploy", FOLDER, "--yes", "--alarm", "errors")
    assert (status, "nothing to do" in out) == (0, True), out + err
    assert changing(cloud)[sent:].count("UpdateAlias") == 0
    done = shim(capsys, "deploy", FOLDER, "--dry-run", "--json")[1]
    assert json.loads(done)["calls"] == []


def test_a_dry_run_shows_what_codedeploy_would_get(
    live: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    client = boto3.client("codedeploy")
    client.create_application(applicationName="shop", computePlatform="Lambda")
    client.create_deployment_group(
        applicationName="shop", deploymentGroupName="orders", serviceRoleArn="arn:aws:iam::1:role/x"
    )
    words = ("--codedeploy", "shop/orders", "--dry-run")
    status, out, err = shim(capsys, "deploy", *ALIAS, *words)
    assert (status, where(live)) == (0, "1"), err
    assert "CodeDeploy moves the alias, as its deployment group shop/orders says" in out
    calls = json.loads(shim(capsys, "deploy", FOLDER, *words, "--json")[1])["calls"]
    assert [one["call"] for one in calls][-3:] == ["PublishVersion", "Invoke", "CreateDeployment"]
    spec = json.loads(calls[-1]["parameters"]["revision"]["appSpecContent"]["content"])
    assert spec["Resources"][0]["orders"]["Properties"]["CurrentVersion"] == "1"
