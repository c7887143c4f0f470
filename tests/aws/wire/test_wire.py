"""The control plane that is served: boto3 talks to it as to AWS, and every word is botocore's."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from shim.arch import Arch
from shim.aws.api import LATEST, Alias, Provisioned, ProvisionedStatus
from shim.aws.pace import OTHERS, read_rates
from shim.package.packages import code_sha256
from tests.aws.wire.model import Malformed, Request, read_call, write_answer, write_error
from tests.aws.wire.server import REGION, Cloud, WireFault, serving
from tests.plan.worlds import NAME, World

if TYPE_CHECKING:
    from tests.aws.wire.account import Account

FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:{NAME}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


@pytest.fixture
def account(cloud: Cloud, world: World) -> Account:
    cloud.account().create(NAME, world.state)
    return cloud.account()


def client(service: str = "lambda", **settings: Any) -> Any:
    # Not boto3's own session, which keeps the credentials that it has found first.
    return boto3.Session().client(
        service, config=Config(retries={"total_max_attempts": 1}), **settings
    )


@pytest.fixture
def api(account: Account) -> Any:
    del account
    return client()


def error_of(call: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call()
    answer: dict[str, Any] = caught.value.response
    return answer


def new_code(world: World) -> bytes:
    return Path(world.packages[Arch.ARM64].path).read_bytes()


def test_a_function_is_answered_with_a_link_to_its_package(api: Any, world: World) -> None:
    answer = api.get_function(FunctionName=NAME)
    assert answer["Configuration"]["FunctionArn"] == FUNCTION
    assert answer["Configuration"]["CodeSha256"] == code_sha256(world.state.package)
    package = urllib3.request("GET", answer["Code"]["Location"]).data
    assert len(package) == answer["Configuration"]["CodeSize"]


@pytest.mark.parametrize("name", [NAME, FUNCTION, f"123456789012:function:{NAME}", f"{NAME}:live"])
def test_a_function_has_several_names(api: Any, account: Account, name: str) -> None:
    account.functions[NAME].plane.aliases.put(Alias(name="live", version=LATEST))
    assert api.get_function_configuration(FunctionName=name)["FunctionName"] == NAME


def test_an_update_is_in_progress_until_it_has_taken_hold(
    api: Any, cloud: Cloud, world: World
) -> None:
    code = {"FunctionName": NAME, "ZipFile": new_code(world), "Architectures": ["arm64"]}
    begun = api.update_function_code(**code)
    assert begun["LastUpdateStatus"] == "InProgress"
    said = error_of(lambda: api.update_function_code(**code))
    assert said["Error"]["Code"] == "ResourceConflictException"
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 409
    cloud.sleep(2)
    now = api.get_function_configuration(FunctionName=NAME)
    assert (now["LastUpdateStatus"], now["Architectures"]) == ("Successful", ["arm64"])
    stale = {"FunctionName": NAME, "Handler": "bills", "RevisionId": begun["RevisionId"]}
    said = error_of(lambda: api.update_function_configuration(**stale))
    assert said["Error"]["Code"] == "PreconditionFailedException"


def test_the_code_call_as_a_dry_run_changes_nothing(api: Any, world: World) -> None:
    before = api.get_function_configuration(FunctionName=NAME)
    tried = api.update_function_code(
        FunctionName=NAME, ZipFile=new_code(world), Architectures=["arm64"], DryRun=True
    )
    assert tried["CodeSha256"] == code_sha256(world.packages[Arch.ARM64])
    assert api.get_function_configuration(FunctionName=NAME)["RevisionId"] == before["RevisionId"]


def test_a_package_can_come_from_a_version_of_an_object(api: Any, world: World) -> None:
    storage = client("s3")
    location = {"LocationConstraint": REGION}
    storage.create_bucket(Bucket="packages", CreateBucketConfiguration=location)
    versioning = {"Status": "Enabled"}
    storage.put_bucket_versioning(Bucket="packages", VersioningConfiguration=versioning)
    put = storage.put_object(Bucket="packages", Key="orders.zip", Body=new_code(world))
    storage.put_object(Bucket="packages", Key="orders.zip", Body=b"something newer")
    place = {"S3Bucket": "packages", "S3Key": "orders.zip", "S3ObjectVersion": put["VersionId"]}
    begun = api.update_function_code(FunctionName=NAME, Architectures=["arm64"], **place)
    assert begun["CodeSha256"] == code_sha256(world.packages[Arch.ARM64])
    absent = {"FunctionName": NAME, "S3Bucket": "packages", "S3Key": "none.zip"}
    said = error_of(lambda: api.update_function_code(**absent))
    assert said["Error"]["Code"] == "InvalidParameterValueException"


def test_a_version_an_alias_and_an_invocation_of_it(api: Any, cloud: Cloud) -> None:
    version = api.publish_version(FunctionName=NAME)
    assert (version["Version"], version["FunctionArn"]) == ("1", f"{FUNCTION}:1")
    early = error_of(lambda: api.invoke(FunctionName=NAME, Qualifier="1"))
    assert early["Error"]["Code"] == "ResourceConflictException"
    cloud.sleep(2)
    assert api.invoke(FunctionName=NAME, Qualifier="1")["Payload"].read() == b"null"
    cloud.account().functions[NAME].plane.aliases.put(Alias(name="live", version="1"))
    alias = api.get_alias(FunctionName=NAME, Name="live")
    moved = {"FunctionName": NAME, "Name": "live", "FunctionVersion": "1"}
    api.update_alias(**moved, RevisionId=alias["RevisionId"])
    said = error_of(lambda: api.update_alias(**moved, RevisionId=alias["RevisionId"]))
    assert said["Error"]["Code"] == "PreconditionFailedException"
    assert [one["Name"] for one in api.list_aliases(FunctionName=NAME)["Aliases"]] == ["live"]
    versions = api.list_versions_by_function(FunctionName=NAME)["Versions"]
    assert [one["Version"] for one in versions] == ["$LATEST", "1"]


def test_a_layers_versions_are_the_accounts(api: Any, account: Account, world: World) -> None:
    data = new_code(world)
    made = api.publish_layer_version(LayerName="agent", Content={"ZipFile": data})
    listed = api.list_layer_versions(LayerName="agent")["LayerVersions"]
    assert [one["LayerVersionArn"] for one in listed] == [made["LayerVersionArn"]]
    found = api.get_layer_version_by_arn(Arn=made["LayerVersionArn"])
    assert found == api.get_layer_version(LayerName="agent", VersionNumber=1) | {
        "ResponseMetadata": found["ResponseMetadata"]
    }
    arn = made["LayerVersionArn"]
    api.update_function_configuration(FunctionName=NAME, Layers=[arn])
    account.create("later", world.state)
    begun = api.update_function_configuration(FunctionName="later", Layers=[arn])
    assert begun["Layers"] == [{"Arn": arn, "CodeSize": len(data)}]


def test_functions_are_listed_in_pages(api: Any, account: Account, world: World) -> None:
    for number in range(60):
        account.create(f"more-{number}", world.state)
    pages = list(api.get_paginator("list_functions").paginate())
    assert [len(page["Functions"]) for page in pages] == [50, 11]


def test_who_invokes_a_function_is_answered(api: Any, account: Account) -> None:
    function = account.functions[NAME]
    missing = error_of(lambda: api.get_policy(FunctionName=NAME))
    assert missing["Error"]["Code"] == "ResourceNotFoundException"
    function.policies["live"] = json.dumps({"Statement": []})
    assert api.get_policy(FunctionName=NAME, Qualifier="live")["Policy"]
    function.urls["live"] = "https://abc.lambda-url.eu-west-1.on.aws/"
    urls = api.list_function_url_configs(FunctionName=NAME)["FunctionUrlConfigs"]
    assert urls[0]["FunctionArn"] == f"{FUNCTION}:live"
    uuid = "14e0db71-1111-4111-8111-111111111111"
    account.mappings.append({"UUID": uuid, "FunctionArn": f"{FUNCTION}:live", "State": "Enabled"})
    listed = api.list_event_source_mappings(FunctionName=f"{NAME}:live")["EventSourceMappings"]
    assert [one["UUID"] for one in listed] == [uuid]
    assert not api.list_event_source_mappings(FunctionName=NAME)["EventSourceMappings"]
    ready = Provisioned(status=ProvisionedStatus.READY)
    function.plane.provisioning.configs["live"] = ready
    config = api.get_provisioned_concurrency_config(FunctionName=NAME, Qualifier="live")
    assert config["Status"] == "READY"
    function.tags["team"] = "blue"
    assert api.list_tags(Resource=FUNCTION)["Tags"] == {"team": "blue"}


def test_an_account_has_its_own_functions_in_each_region(
    account: Account, cloud: Cloud, world: World
) -> None:
    assert account.functions
    cloud.account("210987654321", "us-east-1").create("abroad", world.state)
    keys = {"aws_access_key_id": "210987654321", "aws_secret_access_key": "x"}
    abroad = client(region_name="us-east-1", **keys)
    assert [one["FunctionName"] for one in abroad.list_functions()["Functions"]] == ["abroad"]
    assert client(region_name="us-east-1").list_functions()["Functions"] == []


@pytest.mark.parametrize(("call", "rate"), [("get_function", 100), ("get_policy", 15), ("", 15)])
def test_an_account_has_three_rates(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch, call: str, rate: int
) -> None:
    with serving(Cloud(folder=tmp_path, speed=0)) as cloud:
        cloud.account().create(NAME, world.state).policies[LATEST] = "{}"
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        api = client()
        calls = [getattr(api, call)] if call else [api.get_function_configuration, api.list_aliases]
        assert read_rates().get("".join(map(str.capitalize, call.split("_"))) or OTHERS) == rate
        for number in range(rate):
            calls[number % len(calls)](FunctionName=NAME)
        said = error_of(lambda: calls[0](FunctionName=NAME))
        assert said["Error"]["Code"] == "TooManyRequestsException"
        assert said["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
        assert said["Reason"] == "CallerRateLimitExceeded"
        cloud.sleep(1)
        calls[0](FunctionName=NAME)


def test_an_upload_that_is_too_large_is_refused(api: Any, cloud: Cloud) -> None:
    assert cloud.upload_limit > 50 << 20
    cloud.upload_limit, body = 1000, bytes(1000)
    said = error_of(lambda: api.update_function_code(FunctionName=NAME, ZipFile=body))
    assert said["Error"]["Code"] == "RequestEntityTooLargeException"


def test_what_breaks_a_limit_of_the_model_is_refused(api: Any) -> None:
    said = error_of(
        lambda: api.update_function_configuration(FunctionName=NAME, Runtime="provided.al9")
    )
    assert said["Error"]["Code"] == "ValidationException"
    assert "Runtime is not one of nodejs" in said["Error"]["Message"]


def test_an_answer_can_be_another_or_lost(api: Any, cloud: Cloud) -> None:
    change = {"FunctionName": NAME, "Handler": "bills"}
    cloud.faults = [WireFault(operation="UpdateFunctionConfiguration", error="ServiceException")]
    said = error_of(lambda: api.update_function_configuration(**change))
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert api.get_function_configuration(FunctionName=NAME)["Handler"] == "orders"
    cloud.faults = [WireFault(operation="UpdateFunctionConfiguration", is_carried_out=True)]
    with pytest.raises(ConnectionClosedError):
        api.update_function_configuration(**change)
    assert api.get_function_configuration(FunctionName=NAME)["Handler"] == "bills"


@pytest.mark.parametrize(
    ("method", "words", "body", "problem"),
    [
        ("GET", "?Qualifer=1", b"", "Qualifer"),
        ("PUT", "/configuration", b'{"Handlr": "x"}', 'Unknown parameter in input: "Handlr"'),
        ("PUT", "/configuration", b'{"Timeout": "3"}', "Invalid type for parameter Timeout"),
        ("PUT", "/code", b'{"ZipFile": "no base64!"}', "its body"),
    ],
)
def test_a_request_that_the_model_does_not_know_is_none(
    method: str, words: str, body: bytes, problem: str
) -> None:
    target = f"/2015-03-31/functions/orders{words}"
    with pytest.raises(Malformed, match=problem):
        read_call(Request(method=method, target=target, headers={}, body=body))


def test_an_answer_that_the_model_does_not_know_is_none() -> None:
    call = read_call(Request(method="GET", target="/2015-03-31/functions/a", headers={}))
    assert call
    for values, problem in (
        ({"Config": {}}, 'Unknown parameter in input: "Config"'),
        ({"Configuration": {"Timeout": "3"}}, "Invalid type for parameter Configuration.Timeout"),
        ({"Configuration": {"State": "Fine"}}, "Configuration.State is not one of"),
    ):
        with pytest.raises(Malformed, match=problem):
            write_answer(call, values)
    with pytest.raises(Malformed, match="no error that GetFunction answers"):
        write_error(call, "PreconditionFailedException", "")


def test_what_was_wrong_ends_the_test_that_asked(tmp_path: Path) -> None:
    scope = f"AWS4-HMAC-SHA256 Credential=123456789012/20260101/{REGION}/lambda/aws4_request,"
    with ExitStack() as stack:
        cloud = stack.enter_context(serving(Cloud(folder=tmp_path)))
        url = f"{cloud.url}/2015-03-31/functions?Handlr=x"
        assert urllib3.request("GET", url, headers={"Authorization": scope}).status == 500
        with pytest.raises(AssertionError, match="Handlr"):
            stack.close()
