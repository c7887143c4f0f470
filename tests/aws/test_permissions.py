"""The least policy that `--iam` prints is enough, and nothing in it is too much."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import get_session
from policy_sentry.querying.actions import get_action_data

import shim.aws
from shim.arch import Arch
from shim.aws.api import Alias
from shim.aws.permissions import PERMISSIONS, Place, Resource, consumers_policy, policy
from shim.cli.main import main
from tests.aws.wire.access import Principal
from tests.aws.wire.user import User, parts
from tests.plan.worlds import NAME, World

if TYPE_CHECKING:
    from tests.aws.wire.server import Cloud


@pytest.fixture
def user(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> User:
    return User(cloud, monkeypatch)


@pytest.fixture
def function(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """One with a layer, and an alias on a version of it."""
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    world, account = World(folder=tmp_path), cloud.account()
    layer = Path(world.packages[Arch.ARM64].path).read_bytes()
    arn = account.add_layer("agent", layer)
    state = replace(world.state, layers=(world.packages[Arch.ARM64],))
    plane = account.create(NAME, state, layers=(arn,)).plane
    now = plane.get_function(NAME)
    plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    plane.aliases.put(Alias(name="live", version="1"))
    return NAME


CHANGE = ["--function", NAME, "--handler", "bills"]
PLAN = ["plan", *CHANGE, "--alias", "live"]
SIMULATE = ["simulate", *CHANGE, "--by-verdict", "--invocations", "1"]


def printed(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, "--iam"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.usefixtures("function")
@pytest.mark.parametrize("words", [PLAN, SIMULATE], ids=["plan", "simulate"])
def test_what_is_printed_is_enough_and_no_action_in_it_is_too_much(
    words: list[str], user: User, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    document = printed(words, capsys)
    assert cloud.calls == [], "the policy is printed before anybody may call"
    for action, less in parts(document):
        user.may(less)
        assert main(words) == 3
        assert f"is not authorized to perform: {action} on" in capsys.readouterr().err
    user.may(document)
    assert main(words) != 3, capsys.readouterr().err


def test_a_functions_arn_says_region_and_account(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    arn = "arn:aws-cn:lambda:cn-north-1:123456789012:function:orders"
    document = printed(["plan", "--function", arn, "--handler", "x"], capsys)
    assert document["Statement"][0]["Resource"] == [arn, f"{arn}:*"]
    layers = document["Statement"][1]["Resource"]
    assert layers == ["arn:aws-cn:lambda:cn-north-1:*:layer:*:*"]


def test_a_denial_goes_before_what_another_policy_allows() -> None:
    place = Place(region="eu-west-1", account="123456789012")
    function = place.function("orders")[0]
    everything = policy(["Invoke"], {Resource.FUNCTION: ["*"]})
    who = Principal(arn="somebody", policies=(everything, consumers_policy([(function, "live")])))
    assert who.denial("lambda:InvokeFunction", f"{function}:live") is None
    assert who.denial("lambda:InvokeFunction", function)
    assert who.denial("lambda:InvokeFunction", f"{function}:$LATEST")


NAMES = {
    Resource.ANY: (),
    Resource.FUNCTION: ("${FunctionName}",),
    Resource.QUALIFIED: ("${FunctionName}", "${Version}"),
    Resource.LAYER: ("${LayerName}",),
    Resource.LAYER_VERSION: ("${LayerName}", "${LayerVersion}"),
    Resource.BUCKET: ("${BucketName}",),
    Resource.OBJECT: ("${BucketName}", "${ObjectName}"),
    Resource.ALARM: ("${AlarmName}",),
    Resource.GROUP: ("${ApplicationName}/${DeploymentGroupName}",),
    Resource.APPLICATION: ("${ApplicationName}",),
    Resource.DEPLOYMENT_CONFIGURATION: ("${DeploymentConfigurationName}",),
    Resource.STATE_MACHINE: ("${StateMachineName}",),
    Resource.EXECUTION: ("${StateMachineName}", "${ExecutionId}"),
    Resource.MAP_RUN: ("${StateMachineName}", "${MapRunLabel}:${MapRunId}"),
    Resource.ROLE: ("${RoleNameWithPath}",),
}
"""What each is called in AWS's reference."""


def test_other_services_are_held_to_policies_too(user: User) -> None:
    boto3.Session().client("s3").create_bucket(
        Bucket="packages", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    place = Place(region="eu-west-1", account="123456789012")
    on = {Resource.OBJECT: [place.arn(Resource.OBJECT, "packages", "shim/*")]}
    user.may(policy(["PutObject", "GetObject"], on))
    storage = boto3.Session().client("s3")
    storage.put_object(Bucket="packages", Key="shim/a.zip", Body=b"PK")
    assert storage.get_object(Bucket="packages", Key="shim/a.zip")["Body"].read() == b"PK"
    with pytest.raises(ClientError, match=r"perform: s3:PutObject on resource: .*:::packages/a"):
        storage.put_object(Bucket="packages", Key="a.zip", Body=b"PK")
    with pytest.raises(ClientError, match=r"perform: s3:ListBucket on resource: .*:::packages "):
        storage.get_object(Bucket="packages", Key="shim/none.zip")
    with pytest.raises(ClientError, match="perform: cloudwatch:DescribeAlarms on"):
        boto3.Session().client("cloudwatch").describe_alarms()
    with pytest.raises(ClientError, match="perform: codedeploy:ListApplications on"):
        boto3.Session().client("codedeploy").list_applications()


@pytest.mark.parametrize("call", PERMISSIONS)
def test_every_permission_is_one_that_aws_knows_on_such_a_resource(call: str) -> None:
    for permission in PERMISSIONS[call]:
        service, _, name = permission.action.partition(":")
        known = get_action_data(service, name)
        assert known, f"no such action: {permission.action}"
        formats = {one["resource_arn_format"] for one in known[service]}
        place = Place(partition="${Partition}", region="${Region}", account="${Account}")
        assert place.arn(permission.resource, *NAMES[permission.resource]) in formats


SERVICES = ("lambda", "s3", "cloudwatch", "codedeploy", "stepfunctions")


def test_every_call_of_the_code_has_its_permission_and_no_other_has() -> None:
    """What in `shim/aws` is spelt like an operation is one, but in the table itself."""
    names = {
        spelt: operation
        for service in SERVICES
        for operation in get_session().get_service_model(service).operation_names
        for spelt in (operation, xform_name(operation))
    }
    words = {
        word
        for path in Path(shim.aws.__path__[0]).glob("*.py")
        if path.stem not in {"permissions", "api"}
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for word in (getattr(node, "attr", None), getattr(node, "value", None))
        if isinstance(word, str)
    }
    called = {names[word] for word in words & names.keys()}
    assert called | {"ListTags", "UpdateFunctionCode, S3ObjectVersion"} == PERMISSIONS.keys()
