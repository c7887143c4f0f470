"""CloudFormation's functions: what they come to, and what stays unknown for want of a value."""

from __future__ import annotations

from typing import Any

import pytest

from shim.errors import InputError
from shim.templates.resolve import ABSENT, Given, Scope
from shim.templates.value import Cause, Reference, Text, Unknown, leaves

TEMPLATE = {
    "Parameters": {
        "Stage": {"Type": "String", "Default": "prod"},
        "Bare": {"Type": "String"},
        "Number": {"Type": "Number", "Default": 3},
        "Names": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"},
        "Long": {"Type": "String", "Default": "x" * 5000},
    },
    "Mappings": {"M": {"prod": {"arch": "arm64", "list": ["x", "y"]}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsBare": {"Fn::Equals": [{"Ref": "Bare"}, "x"]},
        "Circle": {"Fn::Not": [{"Condition": "Circle"}]},
        "Either": {"Fn::Or": [{"Condition": "IsBare"}, {"Condition": "IsProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsBare"}, {"Condition": "IsProd"}]},
        "OfResource": {"Fn::Equals": [{"Ref": "F"}, "x"]},
    },
    "Resources": {"F": {"Type": "AWS::Lambda::Function"}},
}


def resolve(value: Any, **given: Any) -> Any:
    return Scope(TEMPLATE, Given(**given)).resolve(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "prod"),
        ({"Ref": "Number"}, "3"),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "AWS::NoValue"}, ABSENT),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
        ({"Fn::Sub": "x-${Stage}-${!Stage}"}, "x-prod-${Stage}"),
        ({"Fn::Sub": ["${a}${Stage}", {"a": {"Ref": "Number"}}]}, "3prod"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-prod"),
        ({"Fn::FindInMap": ["M", {"Ref": "Stage"}, "arch"]}, "arm64"),
        ({"Fn::FindInMap": ["M", "x", "arch", {"DefaultValue": "d"}]}, "d"),
        ({"Fn::Select": [1, {"Fn::FindInMap": ["M", "prod", "list"]}]}, "y"),
        ({"Fn::Select": ["0", {"Fn::Split": ["-", "a-b"]}]}, "a"),
        ({"Fn::If": ["IsProd", 1, {"Fn::ImportValue": "x"}]}, 1),
        ({"Fn::If": ["IsBare", "same", "same"]}, "same"),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::Length": [1, 2]}, 2),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::ToJsonString": {"a": [1]}}, '{"a":[1]}'),
        ({"Ref": "F"}, Reference(id="F")),
        ({"Fn::GetAtt": ["F", "Arn"]}, Reference(id="F", attribute="Arn")),
        ({"Fn::Sub": "${F.Arn}:live"}, Text(parts=(Reference(id="F", attribute="Arn"), ":live"))),
        ({"Fn::Join": ["", ["a", "b", {"Ref": "F"}]]}, Text(parts=("ab", Reference(id="F")))),
        ("{{resolve}}", "{{resolve}}"),
    ],
)
def test_what_it_comes_to(value: Any, expected: Any) -> None:
    assert resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ({"Ref": "Bare"}, Cause.PARAMETER),
        ({"Ref": "Stored"}, Cause.STORED),
        ({"Ref": "Long"}, Cause.FORM),
        ({"Ref": "AWS::Region"}, Cause.PSEUDO),
        ({"Ref": "AWS::Partition"}, Cause.PSEUDO),
        ({"Fn::Sub": "${AWS::AccountId}"}, Cause.PSEUDO),
        ({"Fn::Join": ["", ["a", {"Ref": "Bare"}]]}, Cause.PARAMETER),
        ({"Fn::FindInMap": ["M", {"Ref": "Bare"}, "arch"]}, Cause.PARAMETER),
        ({"Fn::FindInMap": ["M", "none", "arch"]}, Cause.MISSING),
        ({"Ref": "Nobody"}, Cause.MISSING),
        ({"Fn::ImportValue": "x"}, Cause.IMPORT),
        ({"Fn::GetAZs": ""}, Cause.FUNCTION),
        ({"Fn::If": ["IsBare", 1, 2]}, Cause.CONDITION),
        ({"Fn::If": ["Both", 1, 2]}, Cause.CONDITION),
        ({"Fn::If": ["Circle", 1, 2]}, Cause.CONDITION),
        ({"Fn::If": ["OfResource", 1, 2]}, Cause.CONDITION),
        ({"Fn::If": "nonsense"}, Cause.FORM),
        ({"Fn::Sub": [1]}, Cause.FORM),
        ({"Fn::Select": [9, ["a"]]}, Cause.FORM),
        ("x{{resolve:ssm:/a}}y", Cause.DYNAMIC),
    ],
)
def test_what_stays_unknown(value: Any, cause: Cause) -> None:
    found = [one for one in leaves(resolve(value)) if isinstance(one, Unknown)]
    assert [one.cause for one in found][:1] == [cause]


@pytest.mark.parametrize(
    ("value", "given", "expected"),
    [
        ({"Ref": "Bare"}, {"parameters": {"Bare": "x"}}, "x"),
        ({"Ref": "Stage"}, {"parameters": {"Stage": "test"}}, "test"),
        ({"Ref": "AWS::Region"}, {"region": "eu-west-1"}, "eu-west-1"),
        ({"Ref": "AWS::Partition"}, {"region": "cn-north-1"}, "aws-cn"),
        ({"Fn::Sub": "${AWS::AccountId}"}, {"account": "123456789012"}, "123456789012"),
        ({"Fn::ImportValue": "x"}, {"exports": {"x": "y"}}, "y"),
    ],
)
def test_what_is_given_is_known(value: Any, given: dict[str, Any], expected: Any) -> None:
    assert resolve(value, **given) == expected


def test_what_is_in_an_unknown_can_still_be_found() -> None:
    content = resolve({"Fn::If": ["IsBare", {"Ref": "F"}, {"Fn::GetAZs": {"Ref": "F"}}]})
    assert [one for one in leaves(content) if isinstance(one, Reference)] == [Reference(id="F")] * 2


def test_conditions_that_lead_to_each_other_for_ever_are_refused() -> None:
    conditions = {f"C{n}": {"Fn::Not": [{"Condition": f"C{n + 1}"}]} for n in range(3000)}
    with pytest.raises(InputError, match="nested too deeply"):
        Scope({"Conditions": conditions}, Given()).condition("C0")


@pytest.mark.parametrize("text", ["${" * 500_000, "{{resolve:" * 100_000])
def test_beginnings_without_an_end_are_texts(text: str) -> None:
    assert resolve({"Fn::Sub": text}) == text
    assert resolve(text) == text


@pytest.mark.parametrize(
    "value",
    [
        [{"Fn::FindInMap": ["M", "prod", "list"]}] * 200_000,
        [{"Fn::Sub": "${Stage}" * 5_000}] * 200,
    ],
    ids=["values", "letters"],
)
def test_what_makes_too_much_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="too much"):
        resolve(value)
