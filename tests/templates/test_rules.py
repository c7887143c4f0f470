"""Each rule: a deployment that it finds something in, and neighbours in which it must not."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.check.findings import Severity
from shim.package.packages import Packages
from shim.templates.between import Judge
from shim.templates.comparison import Comparison, compare
from shim.templates.findings import CODES, OWN_CODES
from shim.templates.model import Tool
from tests.check.builders import SCRIPT, program
from tests.templates.builders import SAM, function, read_data, read_text, reader
from tests.templates.test_formats import LAMBDA, planned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DAY = date(2026, 11, 1)
ARM, X86 = {"Architectures": ["arm64"]}, {"Architectures": ["x86_64"]}
OTHER = {"Code": {"S3Bucket": "b", "S3Key": "k2"}}
LAYER = "arn:aws:lambda:eu-west-1:464622532012:layer:Datadog-Extension"
RULE = {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Arn": {"Ref": "F"}}]}}
VERSION = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "F"}}}
ALIAS = {
    "Type": "AWS::Lambda::Alias",
    "Properties": {"FunctionName": {"Ref": "F"}, "Name": "live"},
}
CANARY = {**ALIAS, "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"ApplicationName": "a"}}}


def sides(
    folder: Path,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    both: Mapping[str, Any] | None = None,
    also: Mapping[str, Any] | None = None,
    **given: Any,
) -> Comparison:
    """Two templates with the function `F`, compared; `also` has resources of the new one alone."""
    read = [
        read_data(folder, {"F": function(**properties), **(both or {}), **extra}, **given)
        for properties, extra in ((old, {}), (new, also or {}))
    ]
    packages = Packages()
    return compare(read[0], read[1], Judge(packages, {}, day=DAY), packages)


def codes(comparison: Comparison) -> set[str]:
    return {one.code for one in comparison.findings}


TOOLS = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"CompatibleArchitectures": ["x86_64"]}}

CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "two-calls-layers": (
        {"old": {**X86, "Layers": [f"{LAYER}:1"]}, "new": {**ARM, "Layers": [f"{LAYER}-ARM:1"]}},
        [
            {"old": {**X86, "Layers": ["a"]}, "new": {**ARM, "Layers": ["a"]}},
            {"old": {"Layers": [f"{LAYER}:1"]}, "new": {"Layers": [f"{LAYER}:2"]}},
            {"old": {**X86, "FunctionName": "a", "Layers": ["a"]},
             "new": {**ARM, "FunctionName": "b", "Layers": ["b"]}},
        ],
    ),
    "two-calls-runtime": (
        {"old": {"Runtime": "go1.x"}, "new": {**OTHER, "Runtime": "provided.al2023"}},
        [
            {"old": {"Runtime": "go1.x"}, "new": {"Runtime": "provided.al2023"}},
            {"old": {}, "new": OTHER},
            {"old": {"MemorySize": 128}, "new": {**OTHER, "MemorySize": 256}},
            {"old": {}, "new": {**OTHER, "Environment": {"Variables": {"A": "1"}}}},
        ],
    ),
    "two-calls": (
        {"old": {}, "new": {**OTHER, "Environment": {"Variables": {"A": "1"}}}},
        [{"old": {}, "new": {"Environment": {"Variables": {"A": "1"}}}}],
    ),
    "calls-refused": (
        {"old": {**X86, "Runtime": "go1.x"}, "new": {**ARM, "Runtime": "provided.al2"}},
        [{"old": {**X86, "Runtime": "go1.x"}, "new": {**X86, **OTHER, "Runtime": "provided.al2"}}],
    ),
    "invokes-latest": (
        {"old": {}, "new": {**OTHER, "Handler": "x"}, "both": {"R": RULE}},
        [
            {"old": {}, "new": OTHER, "both": {"R": RULE}},
            {"old": {}, "new": {**OTHER, "Handler": "x"}, "both": {"A": ALIAS, "R": {
                **RULE, "Properties": {"Targets": [{"Arn": {"Ref": "A"}}]}}}},
        ],
    ),
    "output-latest": (
        {"old": {}, "new": {**OTHER, "Handler": "x"},
         "Outputs": {"O": {"Value": {"Fn::GetAtt": ["F", "Arn"]}}}},
        [{"old": {}, "new": {**OTHER, "Handler": "x"}, "Outputs": {"O": {"Value": {"Ref": "F"}}}}],
    ),
    "publishes-nothing": (
        {"old": {}, "new": {"Handler": "x"}, "both": {"V": VERSION}},
        [
            {"old": {}, "new": {"Handler": "x"}},
            {"old": {}, "new": {}, "both": {"V": VERSION}},
            {"old": {}, "new": {"Handler": "x"}, "both": {"V": VERSION}, "also": {"V2": VERSION}},
        ],
    ),
    "canary-carries": (
        {"old": {}, "new": {**OTHER, "Role": "arn:aws:iam::1:role/s"}, "both": {"A": CANARY}},
        [
            {"old": {}, "new": OTHER, "both": {"A": CANARY}},
            {"old": {}, "new": {"Role": "arn:aws:iam::1:role/s"}, "both": {"A": ALIAS}},
        ],
    ),
    "layer-architecture": (
        {"old": {}, "new": {**ARM, **OTHER, "Layers": [{"Ref": "T"}]}, "both": {"T": TOOLS}},
        [
            {"old": {}, "new": {**X86, **OTHER, "Layers": [{"Ref": "T"}]}, "both": {"T": TOOLS}},
            {"old": {}, "new": {**ARM, **OTHER, "Layers": [f"{LAYER}-ARM:1"]}},
            {"old": {}, "new": {**ARM, **OTHER, "Layers": [{"Ref": "AWS::NoValue"}, f"{LAYER}:1"]}},
        ],
    ),
    "runtime-blocked": (
        {"old": {}, "new": {**X86, "Runtime": "go1.x"}},
        [{"old": {}, "new": {**OTHER, "Runtime": "provided.al2023"}}],
    ),
    "runtime-ended": (
        {"old": {}, "new": {"Runtime": "provided.al2"}},
        [{"old": {"Runtime": "provided.al2"}, "new": {"Runtime": "provided.al2023"}}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_it_is_found_and_absent(tmp_path: Path, code: str) -> None:
    shows, neighbours = CASES[code]
    assert code in codes(sides(tmp_path, **shows))
    for neighbour in neighbours:
        assert code not in codes(sides(tmp_path, **neighbour))


def test_every_code_has_its_case() -> None:
    elsewhere = {"end-fails", "layer-compatible", "runtime-ending"}
    assert {*CASES, *elsewhere} == CODES.keys()
    assert OWN_CODES.keys() < CODES.keys()


@pytest.mark.parametrize(
    ("layer", "is_found"),
    [
        (f"{LAYER}-x86_64:1", True),
        ({"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:layer:Tools-x86_64:1"}, True),
        ({"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:layer:Tools-arm64:1"}, False),
        ({"Fn::Sub": "arn:aws:lambda:eu-west-1:1:layer:${AWS::Region}:1"}, False),
    ],
)
def test_a_layer_by_its_name(tmp_path: Path, layer: object, is_found: object) -> None:
    new = {**ARM, **OTHER, "Layers": [layer]}
    assert ("layer-architecture" in codes(sides(tmp_path, {}, new))) is is_found


def package(folder: Path, name: str, files: Mapping[str, bytes]) -> str:
    """A folder with these programs."""
    for file, data in files.items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755)
    return name


def severities(comparison: Comparison) -> dict[str, Severity]:
    return {one.code: one.severity for one in comparison.findings}


def test_the_real_packages_decide(tmp_path: Path) -> None:
    old = package(tmp_path, "old", {"orders": program(), "bootstrap": SCRIPT})
    new = package(tmp_path, "new", {"orders": program(), "bootstrap": program()})
    bare = package(tmp_path, "bare", {"bootstrap": program()})
    go = {**X86, "Runtime": "go1.x", "Handler": "orders"}
    al2023 = {**X86, "Runtime": "provided.al2023", "Handler": "orders"}
    fine = sides(tmp_path, {**go, "Code": old}, {**al2023, "Code": new})
    assert severities(fine)["two-calls"] is Severity.NOTE
    assert "two-calls-runtime" not in codes(fine)
    bad = sides(tmp_path, {**go, "Code": old}, {**al2023, "Code": bare})
    assert severities(bad)["two-calls-runtime"] is Severity.ERROR
    [changed] = bad.changed
    assert [one.answer.value for one in changed.between] == ["doesn't start", "starts"]


def test_terraform_sends_the_configuration_first(tmp_path: Path) -> None:
    before = {**LAMBDA, "runtime": "go1.x"}
    after = {**LAMBDA, "source_code_hash": "b"}
    back = [planned("aws_lambda_function", "f", *pair) for pair in ((before, after),)]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": back}))
    old, new = reader(tmp_path).read_both(path)
    packages = Packages()
    found = compare(old, new, Judge(packages, {}, day=DAY), packages)
    [changed] = found.changed
    assert new.tool is Tool.TERRAFORM
    assert [one.order.value for one in changed.between] == ["configuration first"]


def test_traffic_on_an_alias_meets_nothing_of_it(tmp_path: Path) -> None:
    new = {**OTHER, "Handler": "x"}
    to_alias = {"Type": "AWS::Pipes::Pipe", "Properties": {"Target": {"Ref": "A"}}}
    safe = sides(tmp_path, {}, new, both={"A": ALIAS, "P": to_alias})
    assert severities(safe)["two-calls-runtime"] is Severity.NOTE
    silent = sides(tmp_path, {}, new, both={"A": ALIAS})
    assert severities(silent)["two-calls-runtime"] is Severity.UNKNOWN
    unsafe = sides(tmp_path, {}, new, both={"A": ALIAS, "P": to_alias, "R": RULE})
    assert severities(unsafe)["two-calls-runtime"] is Severity.UNKNOWN


def test_traffic_that_is_only_being_moved_to_an_alias_meets_it(tmp_path: Path) -> None:
    latest = {"Type": "AWS::Pipes::Pipe", "Properties": {"Target": {"Ref": "F"}}}
    to_alias = {"Type": "AWS::Pipes::Pipe", "Properties": {"Target": {"Ref": "A"}}}
    new = {**OTHER, "Handler": "x"}
    moved = {"A": ALIAS, "P": to_alias}
    moving = sides(tmp_path, {}, new, both={"P": latest}, also=moved)
    assert severities(moving)["two-calls-runtime"] is Severity.UNKNOWN
    assert "invokes-latest" not in codes(moving)
    assert "deploy the alias and what names it first" in moving.findings[0].hint
    # What nobody invoked before meets nothing.
    assert severities(sides(tmp_path, {}, new, also=moved))["two-calls-runtime"] is Severity.NOTE


@pytest.mark.parametrize("empty", [{}, {"Variables": {}}])
def test_an_empty_environment_is_none(tmp_path: Path, empty: dict[str, Any]) -> None:
    found = sides(tmp_path, {}, {"Environment": empty, "Architectures": ["x86_64"]})
    assert found.deployed[0].pair.calls == (("architecture",), ())


def test_a_path_says_nothing_of_what_was_deployed(tmp_path: Path) -> None:
    package(tmp_path, "build", {"bootstrap": program()})
    found = sides(tmp_path, {"Code": "build"}, {"Code": "build", "Handler": "x"})
    assert severities(found)["two-calls-runtime"] is Severity.UNKNOWN
    assert "may change code" in next(
        one.sentence for one in found.findings if one.code == "two-calls-runtime"
    )


@pytest.mark.parametrize("change", [b"other", None])
def test_equal_files_are_no_change_of_code(tmp_path: Path, change: bytes | None) -> None:
    package(tmp_path, "one", {"bootstrap": program(), "data": b"data1"})
    package(tmp_path, "two", {"bootstrap": program(), "data": change or b"data1"})
    found = sides(tmp_path, {"Code": "one"}, {"Code": "two", "Handler": "x"})
    assert ("two-calls-runtime" in codes(found)) is (change is not None)


def test_a_parameter_is_expected_to_bring_other_code_and_else_to_stay(tmp_path: Path) -> None:
    given: dict[str, Any] = {"Parameters": {"P": {"Type": "String"}}}
    key = {"Code": {"S3Bucket": "b", "S3Key": {"Ref": "P"}}}
    found = sides(tmp_path, key, {**key, "Handler": "x"}, **given)
    assert severities(found)["two-calls-runtime"] is Severity.UNKNOWN
    layers = {"Layers": [{"Ref": "P"}]}
    assert codes(sides(tmp_path, {**X86, **layers}, {**ARM, **layers}, **given)) == set()


def test_what_a_deployment_leads_to_has_to_start(tmp_path: Path) -> None:
    build = package(tmp_path, "build", {"bootstrap": program(Arch.ARM64)})
    found = sides(tmp_path, {**ARM, "Code": build}, {**X86, "Code": build})
    assert severities(found)["end-fails"] is Severity.ERROR
    assert "end-fails" not in codes(sides(tmp_path, {**X86, "Code": build}, {**ARM, "Code": build}))


def test_what_a_layer_says_has_to_hold(tmp_path: Path) -> None:
    layer = package(tmp_path, "layer", {"extensions/audit": program(Arch.ARM64)})

    def of(*architectures: str) -> dict[str, Any]:
        properties = {"Content": layer, "CompatibleArchitectures": list(architectures)}
        return {"L": {"Type": "AWS::Lambda::LayerVersion", "Properties": properties}}

    assert codes(sides(tmp_path, {}, {}, both=of("arm64"))) == set()
    assert codes(sides(tmp_path, {}, {}, both=of("arm64", "x86_64"))) == {"layer-compatible"}


AUTO = f"""{SAM}Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: x
      CodeUri: s3://b/k
      AutoPublishAlias: live
"""


@pytest.mark.parametrize(
    ("change", "publishes"),
    [
        (("Handler: x", "Handler: y"), False),
        (("s3://b/k", "s3://b/k2"), True),
        (("live", "live\n      AutoPublishAliasAllProperties: true\n      Layers: [a]"), True),
        (("live", "live\n      Layers: [a]"), False),
    ],
)
def test_what_sam_publishes(tmp_path: Path, change: tuple[str, str], publishes: object) -> None:
    packages = Packages()
    old = read_text(tmp_path, AUTO)
    new = read_text(tmp_path, AUTO.replace(*change))
    found = compare(old, new, Judge(packages, {}, day=DAY), packages)
    assert ("publishes-nothing" not in codes(found)) is publishes
