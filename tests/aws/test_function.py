"""Functions from files: what is read, and which JSON path an error names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.arch import Arch
from shim.aws.api import UpdateStatus
from shim.aws.function import read_function
from shim.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:agent:3"
CONFIGURATION: dict[str, Any] = {
    "FunctionName": "orders",
    "Runtime": "provided.al2023",
    "Handler": "bin/orders",
    "CodeSha256": "hash",
    "Version": "$LATEST",
    "Environment": {"Variables": {"STAGE": "prod", "AREA": "1"}},
    "RevisionId": "r1",
    "Layers": [{"Arn": ARN, "CodeSize": 1}],
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "PackageType": "Zip",
    "Architectures": ["arm64"],
}
DOCUMENT = {
    "Configuration": CONFIGURATION,
    "Code": {"RepositoryType": "S3"},
    "Tags": {"b": "", "a": "1"},
}


def write(folder: Path, document: object) -> Path:
    path = folder / "orders.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def without(name: str, **changes: object) -> dict[str, Any]:
    return {"Configuration": {**CONFIGURATION, name: None, **changes}}


def test_a_function_has_its_tags_and_its_arn_without_a_qualifier(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
    configuration = {**CONFIGURATION, "FunctionArn": f"{arn}:$LATEST"}
    named = read_function(write(tmp_path, {**DOCUMENT, "Configuration": configuration}))
    assert named.arn == arn
    assert named.function.tags == (("a", "1"), ("b", ""))
    denied = {"TagsError": {"ErrorCode": "AccessDeniedException", "Message": "no"}}
    assert read_function(write(tmp_path, {**DOCUMENT, **denied})).function.tags is None


@pytest.mark.parametrize("document", [DOCUMENT, CONFIGURATION], ids=["function", "configuration"])
def test_both_commands_of_aws_are_read(tmp_path: Path, document: object) -> None:
    named = read_function(write(tmp_path, document))
    function = named.function
    assert named.name == "orders"
    assert (function.runtime, function.handler, function.arch) == (
        *("provided.al2023", "bin/orders", Arch.ARM64),
    )
    assert function.layers == (ARN,)
    assert function.environment == (("AREA", "1"), ("STAGE", "prod"))
    assert (function.revision, function.code_sha256) == ("r1", "hash")
    assert function.update is UpdateStatus.IN_PROGRESS


def test_what_is_left_out_is_what_lambda_takes_for_it(tmp_path: Path) -> None:
    function = read_function(write(tmp_path, {"Runtime": "go1.x"})).function
    assert (function.arch, function.layers, function.environment) == (Arch.X86_64, (), ())
    assert function.handler == ""


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (without("Runtime"), "not an OS-only runtime"),
        (without("Layers", Layers=[{"Arn": ARN}, {"Arn": 3}]), "Configuration.Layers[1].Arn"),
        (without("Layers", Layers="x"), "not a list: `Configuration.Layers`"),
        (without("Environment", Environment=[]), "an object: `Configuration.Environment`"),
        (
            without("Environment", Environment={"Variables": {"A": 1}}),
            "a text: `Configuration.Environment.Variables.A`",
        ),
        (
            without("Environment", Environment={"Error": {"Message": "KMS"}}),
            "AWS could not read the environment: {'Message': 'KMS'}",
        ),
        (without("Architectures", Architectures=["mips"]), "Configuration.Architectures[0]"),
        (without("Runtime", Runtime="python3.13"), "'python3.13' is not an OS-only runtime"),
        (without("LastUpdateStatus", LastUpdateStatus="x"), "Configuration.LastUpdateStatus"),
        (without("PackageType", PackageType="Image"), "Configuration.PackageType"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "not JSON"),
        ('{"Runtime": "go1.x", "Runtime": "go1.x"}', "a name twice"),
        ("\x00", "not JSON"),
    ],
)
def test_an_error_names_the_file_and_the_path_in_it(
    tmp_path: Path, document: object, expected: str
) -> None:
    if expected == "not an OS-only runtime":
        expected = "not a text: `Configuration.Runtime`"
    path = write(tmp_path, document)
    with pytest.raises(InputError) as caught:
        read_function(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert expected in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"\x80"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not JSON"):
        read_function(path)


def test_what_can_not_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="can't read it"):
            read_function(path)


TEXT = st.text("aA1\x00\ud800.=:", max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=5,
)
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=400, suppress_health_check=CHECKS)
@given(st.dictionaries(st.sampled_from([*CONFIGURATION, "Configuration"]), JSON), st.booleans())
def test_hostile_files_give_a_function_or_an_error_with_its_path(
    tmp_path: Path,
    changes: dict[str, Any],
    is_whole: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    content = {**CONFIGURATION, **changes}
    path = write(tmp_path, {"Configuration": content} if is_whole else content)
    message = f"{path}: "
    try:
        read_function(path)
    except InputError as error:
        message = error.message
    assert message.startswith(f"{path}: ")


@settings(max_examples=300, suppress_health_check=CHECKS)
@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_file_at_all_gives_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_function(path)
