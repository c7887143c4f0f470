"""boto3's side, held against botocore's own model of the API; AWS itself is never called."""

from __future__ import annotations

import hashlib
import sys
from base64 import b64encode
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from botocore import response, stub

from shim.arch import Arch
from shim.aws import boto
from shim.aws.api import Alias, Configuration, Denied, Throttled, UpdateStatus, Zip
from shim.aws.connection import Connection
from shim.aws.pace import Pace
from shim.errors import InputError, MachineError
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.aws.api import LambdaApi

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:agent:3"
CONFIGURATION: dict[str, Any] = {
    "FunctionName": "orders",
    "Runtime": "provided.al2023",
    "Handler": "orders",
    "CodeSha256": "x",
    "CodeSize": 3,
    "RevisionId": "r2",
    "Architectures": ["arm64"],
    "LastUpdateStatus": "InProgress",
    "State": "Active",
    "Version": "$LATEST",
    "Layers": [{"Arn": ARN}],
    "Environment": {"Variables": {"A": "1"}},
}


@dataclass
class Storage:
    """A loopback server, in S3's place."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def link(self, name: str, body: bytes) -> str:
        self.bodies[f"/{name}"] = body
        return f"{self.url}/{name}?X-Amz-Signature=secret"

    def answer(self, path: str) -> tuple[int, bytes]:
        path = path.partition("?")[0]
        self.requests.append(path)
        body = self.bodies.get(path)
        return (403, b"<Error/>") if body is None else (200, body)


@pytest.fixture
def storage() -> Iterator[Storage]:
    found = Storage()
    with served(found.answer) as found.url:
        yield found


@pytest.fixture
def stubbed(client: Any) -> Iterator[Any]:
    with stub.Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def sha256(data: bytes) -> str:
    return b64encode(hashlib.sha256(data).digest()).decode()


def zip_of(path: Path, data: bytes = b"PK zip") -> Zip:
    path.write_bytes(data)
    return Zip(path=path, sha256=sha256(data))


def answer_function(
    stubbed: Any,
    storage: Storage,
    *,
    package: bytes = b"code",
    layer: bytes = b"layer",
    **wrong: Any,
) -> None:
    """What get_function and get_layer_version_by_arn answer."""
    about = {"CodeSize": len(package), "CodeSha256": sha256(package), **wrong}
    code = {"Location": storage.link("code.zip", package), "RepositoryType": "S3"}
    stubbed.add_response(
        "get_function",
        {"Configuration": {**CONFIGURATION, **about}, "Code": code},
        {"FunctionName": "orders", "Qualifier": "$LATEST"},
    )
    if not wrong:
        link = storage.link("layer.zip", layer)
        content = {"Location": link, "CodeSize": len(layer), "CodeSha256": sha256(layer)}
        stubbed.add_response("get_layer_version_by_arn", {"Content": content}, {"Arn": ARN})


def test_a_live_function_comes_with_its_zips(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path
) -> None:
    answer_function(stubbed, storage)
    live = boto.fetch_function(client, "orders", folder=tmp_path / "cache")
    assert live.named.name == "orders"
    assert live.named.function.arch is Arch.ARM64
    assert live.package.read_bytes() == b"code"
    assert live.layers[ARN].read_bytes() == b"layer"
    assert (tmp_path / "cache").stat().st_mode & 0o77 == 0


def test_what_is_there_is_not_downloaded_again_unless_it_is_damaged(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path
) -> None:
    packages = []
    for _ in range(3):
        answer_function(stubbed, storage)
        packages.append(boto.fetch_function(client, "orders", folder=tmp_path).package)
    assert storage.requests == ["/code.zip", "/layer.zip"]
    packages[0].write_bytes(b"cod")
    answer_function(stubbed, storage)
    assert boto.fetch_function(client, "orders", folder=tmp_path).package.read_bytes() == b"code"


def test_a_layer_whose_zip_is_at_hand_is_not_asked_for(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path
) -> None:
    answer_function(stubbed, storage, Layers=[{"Arn": ARN}])
    known = {ARN: tmp_path / "layer.zip"}
    live = boto.fetch_function(client, "orders", folder=tmp_path / "cache", known=known)
    assert live.layers == known


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"CodeSize": 3}, "sends more than the 3 bytes of the package"),
        ({"CodeSha256": sha256(b"other")}, "is not what AWS's hash says"),
    ],
)
def test_a_download_that_is_not_what_was_announced_is_refused_and_leaves_nothing(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path, wrong: Any, expected: str
) -> None:
    answer_function(stubbed, storage, **wrong)
    with pytest.raises(MachineError, match=expected):
        boto.fetch_function(client, "orders", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (
            {"CodeSha256": "%%"},
            "GetFunction: not a hash in base64: `Configuration.CodeSha256`",
        ),
        ({"CodeSize": 1 << 40}, "GetFunction: no package has .* `Configuration.CodeSize`"),
        ({"Runtime": "python3.13"}, "'python3.13' is not an OS-only runtime"),
    ],
)
def test_nonsense_in_the_answer_is_refused_with_its_path(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path, wrong: Any, expected: str
) -> None:
    answer_function(stubbed, storage, **wrong)
    with pytest.raises(InputError, match=expected):
        boto.fetch_function(client, "orders", folder=tmp_path)


def test_a_link_that_has_expired_is_said_without_its_secret(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path
) -> None:
    answer_function(stubbed, storage, Layers=[])
    storage.bodies.clear()
    with pytest.raises(MachineError) as caught:
        boto.fetch_function(client, "orders", folder=tmp_path)
    assert caught.value.message == ("the package can't be downloaded from 127.0.0.1: Forbidden")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://example.org/x", "ftp://h/x"])
def test_a_link_that_is_not_https_is_refused(
    client: Any, stubbed: Any, tmp_path: Path, location: str
) -> None:
    about = {**CONFIGURATION, "CodeSha256": sha256(b"abc")}
    answer = {"Configuration": about, "Code": {"Location": location}}
    stubbed.add_response("get_function", answer)
    with pytest.raises(InputError, match="a URL that is not https"):
        boto.fetch_function(client, "orders", folder=tmp_path)


def test_a_layer_of_another_account_says_how_its_zip_is_given(
    client: Any, stubbed: Any, storage: Storage, tmp_path: Path
) -> None:
    answer_function(stubbed, storage, Layers=[{"Arn": ARN}])
    stubbed.add_client_error("get_layer_version_by_arn", "AccessDeniedException", "not yours", 403)
    with pytest.raises(Denied, match="AccessDeniedException: not yours") as caught:
        boto.fetch_function(client, "orders", folder=tmp_path)
    assert caught.value.hint == f"give its zip: `--layer {ARN}=ZIP`"


def test_the_code_call_carries_package_architecture_and_guard(
    client: Any, stubbed: Any, tmp_path: Path
) -> None:
    package = zip_of(tmp_path / "p.zip")
    stubbed.add_response(
        "update_function_code",
        CONFIGURATION,
        {
            "FunctionName": "orders",
            "ZipFile": b"PK zip",
            "Architectures": ["arm64"],
            "RevisionId": "r1",
        },
    )
    api: LambdaApi = boto.BotoApi(client)
    function = api.update_code("orders", package, arch=Arch.ARM64, revision="r1")
    assert (function.revision, function.update) == ("r2", UpdateStatus.IN_PROGRESS)


def test_a_code_call_can_be_tried(client: Any, stubbed: Any, tmp_path: Path) -> None:
    sent = {"FunctionName": "orders", "ZipFile": b"PK zip", "Architectures": ["arm64"]}
    stubbed.add_response(
        "update_function_code", CONFIGURATION, {**sent, "RevisionId": "r1", "DryRun": True}
    )
    package = zip_of(tmp_path / "p.zip")
    boto.BotoApi(client).try_code("orders", package, arch=Arch.ARM64, revision="r1")


def test_a_package_that_changed_since_it_was_planned_is_not_sent(
    client: Any, tmp_path: Path
) -> None:
    package = zip_of(tmp_path / "p.zip")
    package.path.write_bytes(b"other")
    with pytest.raises(InputError, match="no longer what the plan was made for"):
        boto.BotoApi(client).update_code("orders", package, arch=Arch.ARM64, revision="r1")


class Turns(Pace):
    """Says who waits and who gives way; a zip is there from the first turn on."""

    def __init__(self, package: Path) -> None:
        self.said: list[str] = []
        self._path = package

    def wait(self, call: str) -> None:
        self.said.append(call)
        zip_of(self._path)

    def give_way(self, call: str) -> None:
        self.said.append(f"{call} gives way")


def test_a_call_is_made_when_it_is_its_turn_and_gives_way_where_it_is_throttled(
    client: Any, stubbed: Any, tmp_path: Path
) -> None:
    package = zip_of(tmp_path / "p.zip")
    package.path.unlink()
    pace = Turns(package.path)
    api = boto.BotoApi(client, pace=pace)
    stubbed.add_response("update_function_code", CONFIGURATION)
    api.update_code("orders", package, arch=Arch.ARM64, revision="r1")
    stubbed.add_client_error("get_alias", "TooManyRequestsException", "slower", 429)
    with pytest.raises(Throttled):
        api.get_alias("orders", "live")
    assert pace.said == ["UpdateFunctionCode", "GetAlias", "GetAlias gives way"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (Configuration(runtime="provided.al2023"), {"Runtime": "provided.al2023"}),
        (Configuration(handler="a", layers=()), {"Handler": "a", "Layers": []}),
        (Configuration(layers=(ARN,)), {"Layers": [ARN]}),
        (Configuration(environment=()), {"Environment": {"Variables": {}}}),
        (Configuration(environment=(("A", "b"),)), {"Environment": {"Variables": {"A": "b"}}}),
    ],
)
def test_the_configuration_call_carries_what_changes_and_no_more(
    client: Any, stubbed: Any, change: Configuration, fields: dict[str, Any]
) -> None:
    expected = {"FunctionName": "orders", "RevisionId": "r1", **fields}
    stubbed.add_response("update_function_configuration", CONFIGURATION, expected)
    boto.BotoApi(client).update_configuration("orders", change, revision="r1")


def test_a_layer_with_the_same_bytes_is_found_again(
    client: Any, stubbed: Any, tmp_path: Path
) -> None:
    layer = zip_of(tmp_path / "l.zip")
    api = boto.BotoApi(client)
    listed = {"LayerName": "agent", "MaxItems": 20}
    stubbed.add_client_error("list_layer_versions", "ResourceNotFoundException", "none", 404)
    assert api.find_layer("agent", layer) is None
    stubbed.add_response(
        "publish_layer_version",
        {"LayerVersionArn": ARN},
        {
            "LayerName": "agent",
            "Content": {"ZipFile": b"PK zip"},
            "CompatibleArchitectures": ["arm64", "x86_64"],
        },
    )
    assert api.publish_layer("agent", layer, architectures=set(Arch)) == ARN
    stubbed.add_response(
        "list_layer_versions", {"LayerVersions": [{"LayerVersionArn": ARN}]}, listed
    )
    stubbed.add_response(
        "get_layer_version_by_arn", {"Content": {"CodeSha256": layer.sha256}}, {"Arn": ARN}
    )
    assert api.find_layer("agent", layer) == ARN


def test_a_version_is_published_with_both_guards(client: Any, stubbed: Any) -> None:
    expected = {"FunctionName": "orders", "CodeSha256": "h", "RevisionId": "r1"}
    stubbed.add_response("publish_version", {**CONFIGURATION, "Version": "8"}, expected)
    published = boto.BotoApi(client).publish_version("orders", code_sha256="h", revision="r1")
    assert published.version == "8"


@pytest.mark.parametrize(
    ("answer", "payload", "kind"),
    [
        ({}, b"{}", None),
        (
            {"FunctionError": "Unhandled"},
            b'{"errorType": "Runtime.ExitError"}',
            "Runtime.ExitError",
        ),
        ({"FunctionError": "Unhandled"}, b"no json", "Unhandled"),
        ({"FunctionError": "Unhandled"}, b"[]", "Unhandled"),
    ],
)
def test_an_invocation_tells_its_error(
    client: Any, stubbed: Any, answer: dict[str, Any], payload: bytes, kind: str | None
) -> None:
    body = response.StreamingBody(BytesIO(payload), len(payload))
    stubbed.add_response("invoke", {"Payload": body, **answer})
    invoked = boto.BotoApi(client).invoke("orders", b"{}", qualifier="8")
    assert (invoked.error_type, invoked.payload) == (kind, payload)


def test_an_alias_moves_with_its_weight_and_back(client: Any, stubbed: Any) -> None:
    api = boto.BotoApi(client)
    routing = {"AdditionalVersionWeights": {"8": 0.1}}
    about = {"Name": "live", "FunctionVersion": "7", "RevisionId": "a1"}
    stubbed.add_response("get_alias", {**about, "RoutingConfig": routing})
    alias = api.get_alias("orders", "live")
    assert alias == Alias(
        name="live", version="7", other_version="8", other_weight=0.1, revision="a1"
    )
    expected = {"FunctionName": "orders", **about}
    for weights, wanted in (
        (routing, alias),
        ({"AdditionalVersionWeights": {}}, Alias(name="live", version="7", revision="a1")),
    ):
        stubbed.add_response("update_alias", about, {**expected, "RoutingConfig": weights})
        assert api.update_alias("orders", wanted).version == "7"


def test_without_boto3_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MachineError, match="boto3, which is not installed") as caught:
        Connection()
    assert caught.value.hint
    assert "pip install 'lambda-shim[aws]'" in caught.value.hint


def test_without_a_region_or_with_a_profile_that_is_not_there_a_hint_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for profile in (None, "nobody"):
        with pytest.raises(MachineError, match="boto3 can't call AWS"):
            Connection(profile=profile).client()
