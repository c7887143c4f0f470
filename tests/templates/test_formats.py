"""The other formats: each is told by what is in it, and gives the same model."""

from __future__ import annotations

import copy
import hashlib
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.errors import InputError, ShimError
from shim.package.packages import Packages
from shim.templates.change import Changed, pairs_of
from shim.templates.model import Tool
from shim.templates.value import Cause, Reference
from tests.cli.test_hostile_json import STRANGE
from tests.templates.builders import FUNCTION, function, read_text, reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.templates.model import Template

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
GET_FUNCTION: dict[str, Any] = {
    "Configuration": {
        "FunctionName": "orders",
        "FunctionArn": ARN,
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Architectures": ["arm64"],
        "Layers": [{"Arn": "arn:aws:lambda:eu-west-1:1:layer:tools:3"}],
        "Environment": {"Variables": {"A": "1"}},
        "CodeSha256": "abc=",
    }
}


def test_get_function_of_any_runtime(tmp_path: Path) -> None:
    template = read_text(tmp_path, json.dumps(GET_FUNCTION), name="f.json")
    orders = template.functions["orders"]
    assert template.tool is Tool.UNSAID
    assert (orders.runtime.content, orders.architecture.content) == ("python3.12", "arm64")
    assert orders.layers.content == ["arn:aws:lambda:eu-west-1:1:layer:tools:3"]
    assert str(orders.handler.place) == f"{tmp_path}/f.json: Configuration.Handler"


CHANGE_SET: dict[str, Any] = {
    "ChangeSetId": "arn:x",
    "Changes": [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Modify",
                "LogicalResourceId": "Orders",
                "PhysicalResourceId": "orders",
                "ResourceType": "AWS::Lambda::Function",
                "BeforeContext": json.dumps({"Properties": {"Handler": "old", "Runtime": "r"}}),
                "AfterContext": json.dumps(
                    {"Properties": {"Handler": "new", "Role": "{{changeSet:KNOWN_AFTER_APPLY}}"}}
                ),
            },
        },
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Add",
                "LogicalResourceId": "Rule",
                "ResourceType": "AWS::Events::Rule",
                "AfterContext": json.dumps({"Properties": {"Targets": [{"Arn": ARN}]}}),
            },
        },
    ],
}


def test_a_change_set_has_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "changes.json"
    path.write_text(json.dumps(CHANGE_SET))
    old, new = reader(tmp_path).read_both(path)
    assert old.is_partial
    assert old.functions["Orders"].handler.content == "old"
    assert new.functions["Orders"].handler.content == "new"
    assert new.functions["Orders"].role.unknown is not None
    assert new.functions["Orders"].role.unknown.cause is Cause.LATER
    assert new.functions["Orders"].handler.place.path == "Changes[0].ResourceChange Handler"
    assert (old.consumers, [one.function for one in new.consumers]) == ((), ["Orders"])


def test_a_change_set_without_values_says_what_it_can(tmp_path: Path) -> None:
    document = copy.deepcopy(CHANGE_SET)
    change = document["Changes"][0]["ResourceChange"]
    del change["BeforeContext"], change["AfterContext"]
    change["Details"] = [
        {"Target": {"Name": "Handler", "BeforeValue": "old", "AfterValue": "new"}},
        {"Target": {"Name": "Code", "Path": "/Properties/Code/S3Key", "BeforeValue": "k"}},
    ]
    path = tmp_path / "changes.json"
    path.write_text(json.dumps(document))
    old, new = (one.functions["Orders"] for one in reader(tmp_path).read_both(path))
    assert (old.handler.content, new.handler.content) == ("old", "new")
    assert old.runtime.content == new.runtime.content
    assert old.code.content != new.code.content
    assert "include-property-values" in str(new.runtime.content)


def planned(kind: str, name: str, before: Any, after: Any, **unknown: Any) -> dict[str, Any]:
    return {
        "address": f"{kind}.{name}",
        "type": kind,
        "change": {"before": before, "after": after, "after_unknown": unknown},
    }


LAMBDA = {
    "function_name": "orders", "runtime": "provided.al2023", "handler": "orders",
    "architectures": ["x86_64"], "filename": "new.zip", "source_code_hash": "a",
    "environment": [{"variables": {"A": "1"}}], "publish": True, "version": "7",
}  # fmt: skip
TERRAFORM: dict[str, Any] = {
    "format_version": "1.2",
    "resource_changes": [
        planned(
            "aws_lambda_function", "orders", LAMBDA,
            {**LAMBDA, "architectures": ["arm64"], "source_code_hash": "b"}, version=True,
        ),
        planned(
            "aws_lambda_alias", "live", None,
            {"name": "live", "routing_config": []}, function_name=True,
        ),
        planned("aws_cloudwatch_event_target", "every", {"arn": ARN}, {"arn": f"{ARN}:live"}),
        planned("aws_lambda_event_source_mapping", "queue", None, {}, function_name=True),
        planned("aws_lambda_permission", "all", None, {"qualifier": "live"}, function_name=True),
        planned("aws_sns_topic_subscription", "alias", None, {}, endpoint=True),
    ],
    "configuration": {"root_module": {"resources": [
        {"address": address, "expressions": {name: {"references": [reference, "x.y"]}}}
        for address, name, reference in (
            ("aws_lambda_alias.live", "function_name", "aws_lambda_function.orders.function_name"),
            ("aws_lambda_event_source_mapping.queue", "function_name",
             "aws_lambda_function.orders.arn"),
            ("aws_lambda_permission.all", "function_name", "aws_lambda_function.orders.arn"),
            ("aws_sns_topic_subscription.alias", "endpoint", "aws_lambda_alias.live.arn"),
        )
    ]}},
}  # fmt: skip


def test_a_terraform_plan_has_both_sides(tmp_path: Path) -> None:
    (tmp_path / "new.zip").touch()
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(TERRAFORM))
    old, new = reader(tmp_path).read_both(path)
    function = new.functions["aws_lambda_function.orders"]
    assert new.tool is Tool.TERRAFORM
    assert old.functions["aws_lambda_function.orders"].architecture.content == "x86_64"
    assert function.architecture.content == "arm64"
    assert str(function.runtime.place) == f"{path}: aws_lambda_function.orders.runtime"
    assert function.environment.content == {"A": "1"}
    assert function.package == tmp_path / "new.zip"
    assert old.functions["aws_lambda_function.orders"].package is None
    assert [one.properties for one in old.versions] != [one.properties for one in new.versions]
    assert [one.function for one in new.aliases] == ["aws_lambda_function.orders"]
    assert [(one.kind, one.qualifier) for one in old.consumers] == [("an EventBridge rule", None)]
    assert [(one.kind, one.qualifier) for one in new.consumers] == [
        ("an EventBridge rule", "live"),
        ("an event source mapping", None),
        ("a permission", "live"),
        ("an SNS subscription", Reference(id="aws_lambda_alias.live", attribute="Arn")),
    ]


AUDIT = "arn:aws:lambda:eu-west-1:1:layer:audit"
LAYER = {"filename": "audit.zip", "compatible_architectures": ["arm64"], "arn": f"{AUDIT}:3"}


@pytest.mark.parametrize("layers", [[None, f"{AUDIT}-2:1"], None])
def test_layers_that_a_plan_makes_are_told_from_others(tmp_path: Path, layers: Any) -> None:
    (tmp_path / "audit.zip").touch()
    later = True if layers is None else [True, False]
    document = {
        "format_version": "1.2",
        "resource_changes": [
            planned("aws_lambda_layer_version", "audit", LAYER, {**LAYER, "arn": None}, arn=True),
            planned(
                "aws_lambda_function", "orders", {**LAMBDA, "layers": [f"{AUDIT}:3"]},
                {**LAMBDA, "layers": layers}, layers=later,
            ),
        ],
        "configuration": {"root_module": {"resources": [
            {"address": "aws_lambda_function.orders", "expressions": {"layers": {"references": [
                "aws_lambda_layer_version.audit.arn", "aws_lambda_layer_version.audit",
            ]}}},
        ]}},
    }  # fmt: skip
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document))
    old, new = reader(tmp_path).read_both(path)
    made = Reference(id="aws_lambda_layer_version.audit", attribute="Arn")
    others = [] if layers is None else [f"{AUDIT}-2:1"]
    assert old.functions["aws_lambda_function.orders"].layers.content == [made]
    assert new.functions["aws_lambda_function.orders"].layers.content == [made, *others]
    assert new.layers[made.id].package == tmp_path / "audit.zip"
    assert new.layers[made.id].architectures.content == ["arm64"]


@pytest.mark.parametrize("data", [b"old", b"other"])
def test_what_was_deployed_is_at_hand_if_it_still_is_that_zip(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "new.zip").write_bytes(data)
    digest = b64encode(hashlib.sha256(b"old").digest()).decode()
    change = planned("aws_lambda_function", "f", {**LAMBDA, "source_code_hash": digest}, LAMBDA)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": [change]}))
    old, new = reader(tmp_path).read_both(path)
    at_hand = tmp_path / "new.zip"
    assert old.functions["aws_lambda_function.f"].package == (at_hand if data == b"old" else None)
    assert new.functions["aws_lambda_function.f"].package == at_hand


def assembly(folder: Path) -> Path:
    """A `cdk.out` with a nested stack, an asset, and an export between two stacks."""
    out = folder / "cdk.out"
    (out / "asset.abc").mkdir(parents=True)

    def resource(path: str, whole: dict[str, Any], **metadata: str) -> dict[str, Any]:
        return {**whole, "Metadata": {"aws:cdk:path": path, **metadata}}

    asset = {"aws:asset:path": "asset.abc", "aws:asset:property": "Code"}
    inner = {"Resources": {"F": resource("App/In/F/Resource", FUNCTION, **asset)}}
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": {"Ref": "X"}}}
    nested = {"aws:asset:path": "inner.nested.template.json", "aws:asset:property": "TemplateURL"}
    value = {"Fn::GetAtt": ["G", "Arn"]}
    app = {
        "Resources": {
            "In": resource("App/In", stack, **nested),
            "G": resource("App/G/Resource", function(Handler={"Ref": "AWS::Region"})),
        },
        "Outputs": {"G": {"Value": value, "Export": {"Name": "App:G"}}},
    }
    pipe = {"Type": "AWS::Pipes::Pipe", "Properties": {"Target": {"Fn::ImportValue": "App:G"}}}
    files = {
        "manifest.json": {
            "artifacts": {
                name: {
                    "type": "aws:cloudformation:stack",
                    "environment": "aws://unknown-account/eu-west-1",
                    "properties": {"templateFile": f"{name}.template.json"},
                }
                for name in ("App", "Other")
            }
        },
        "App.template.json": app,
        "Other.template.json": {"Resources": {"P": resource("Other/P", pipe)}},
        "inner.nested.template.json": inner,
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content))
    return out


def test_an_assembly_of_cdk(tmp_path: Path) -> None:
    out = assembly(tmp_path)
    template = reader(tmp_path).read_one(out)
    assert sorted(template.functions) == ["App/G", "App/In/F"]
    inner = template.functions["App/In/F"]
    assert inner.package == out / "asset.abc"
    assert inner.runtime.place.path == "App/In/F/Resource Runtime"
    assert template.functions["App/G"].handler.content == "eu-west-1"
    assert [(one.function, one.place.path) for one in template.consumers] == [
        ("App/G", "Other/P Target")
    ]
    assert [(one.function, one.kind) for one in template.outputs] == [("App/G", "an export")]


def test_what_serverless_packages(tmp_path: Path) -> None:
    folder = tmp_path / ".serverless"
    folder.mkdir()
    (folder / "orders.zip").touch()
    code = {"S3Bucket": {"Ref": "B"}, "S3Key": "serverless/shop/dev/1700-2026/orders.zip"}
    resources = {"B": {"Type": "AWS::S3::Bucket"}, "F": function(Code=code)}
    path = folder / "cloudformation-template-update-stack.json"
    path.write_text(json.dumps({"Resources": resources}, indent=1))
    found = reader(tmp_path).read_one(folder).functions["F"]
    assert found.package == folder / "orders.zip"
    assert found.handler.place.line == 11


def given_artifacts(folder: Path, key: str, *names: str) -> Path:
    """What Serverless leaves in a folder of zips that it was given, of which it copies none."""
    folder.mkdir()
    function_ = function(Code={"S3Bucket": "b", "S3Key": f"serverless/shop/dev/{key}/x.zip"})
    artifacts = [{"package": {"artifact": name}} for name in names]
    files = {
        "cloudformation-template-update-stack.json": {"Resources": {"F": function_}},
        "serverless-state.json": {"service": {"functions": artifacts}},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def test_an_artifact_that_serverless_was_given_stays_where_it_is(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.zip").touch()
    one = reader(tmp_path).read_one(given_artifacts(tmp_path / "one", "1", "a/x.zip"))
    both = reader(tmp_path).read_one(given_artifacts(tmp_path / "both", "1", "a/x.zip", "b/x.zip"))
    package = one.functions["F"].package
    assert package
    assert package.samefile(tmp_path / "a/x.zip")
    assert both.functions["F"].package is None


def test_one_file_under_two_keys_may_be_other_code(tmp_path: Path) -> None:
    (tmp_path / "x.zip").touch()
    folders = [given_artifacts(tmp_path / key, key, "x.zip") for key in ("1", "2")]
    old, new = map(reader(tmp_path).read_one, folders)
    [pair] = pairs_of(old, new, Packages())
    assert pair.changes["code"] is Changed.UNKNOWN


def test_a_folder_of_nothing_known_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither `manifest\.json` of `cdk synth`"):
        reader(tmp_path).read_one(tmp_path)


def test_one_side_is_not_both(tmp_path: Path) -> None:
    one, both = tmp_path / "one.json", tmp_path / "both.json"
    one.write_text(json.dumps(GET_FUNCTION))
    both.write_text(json.dumps(TERRAFORM))
    with pytest.raises(InputError, match="it has one side of a change"):
        reader(tmp_path).read_both(one)
    with pytest.raises(InputError, match="it has both sides of a change"):
        reader(tmp_path).read_one(both)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(one, (*path, name))


TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {"A": {"Type": "String", "Default": "x"}},
    "Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}},
    "Resources": {
        "F": {**FUNCTION, "Condition": "C"},
        "S": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"Runtime": "provided.al2023", "Handler": "x", "CodeUri": "."},
        },
        "E": {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Arn": {"Ref": "F"}}]}},
        "Fn::ForEach::L": ["N", ["a"], {"G${N}": {"Type": "AWS::Lambda::Function"}}],
        "M": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "DefinitionString": '{"Resource": "${F}:live"}',
                "DefinitionSubstitutions": {"F": {"Fn::GetAtt": ["F", "Arn"]}},
            },
        },
        "I": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "old.yaml"}}
            },
        },
    },
    "Outputs": {"O": {"Value": {"Fn::GetAtt": ["F", "Arn"]}}},
}
DOCUMENTS = (TEMPLATE, GET_FUNCTION, CHANGE_SET, TERRAFORM)


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A document with one thing in it put in another's place, or taken away."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    *path, last = draw(st.sampled_from([one for one in _places(document) if one]))
    inner = document
    for name in path:
        inner = inner[name]
    if draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = draw(STRANGE)
    return document


@given(document=spoilt())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_document_gives_a_model_or_one_sentence(
    tmp_path: Path, document: Any
) -> None:
    path = tmp_path / "document.json"
    path.write_text(json.dumps(document))
    sides: tuple[Template, ...] = ()
    for read in (reader(tmp_path).read_one, reader(tmp_path).read_both):
        problem = ""
        try:
            found = read(path)
            sides = found if isinstance(found, tuple) else (found,)
        except ShimError as error:
            problem = error.message
        assert "\n" not in problem
    said = [str(one.runtime) for side in sides for one in side.functions.values()]
    assert not any("\n" in one for one in said)
