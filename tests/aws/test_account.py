"""What an account lists, and who invokes its functions, in our own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shim.aws.account import CallerKind, parse_described, parse_listed, split_arn
from shim.aws.callers import parse_event_source, parse_policy, parse_url
from shim.errors import InputError
from shim.fields import Field

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
CONFIGURATION = {
    "FunctionName": "orders",
    "FunctionArn": ARN,
    "Runtime": "provided.al2",
    "Handler": "orders",
    "Architectures": ["arm64"],
    "CodeSha256": HASH,
    "CodeSize": 3,
}


def field(value: Any) -> Field:
    return Field(value=value)


def test_a_function_is_listed_with_where_it_is() -> None:
    listed = parse_listed(field(CONFIGURATION | {"FunctionArn": f"{ARN}:$LATEST"}))
    assert (listed.arn, listed.account, listed.region) == (ARN, "123456789012", "eu-west-1")
    assert listed.function
    assert listed.function.arch == "arm64"
    assert listed.is_os_only


@pytest.mark.parametrize(
    ("changed", "runtime", "is_os_only"),
    [
        ({"Runtime": "python3.12"}, "python3.12", False),
        ({"PackageType": "Image"}, "", False),
        ({"Runtime": "debian-bookworm"}, "debian-bookworm", False),
        ({"Environment": {"Error": {"ErrorCode": "AccessDenied"}}}, "provided.al2", True),
    ],
)
def test_what_shim_can_say_nothing_of_is_listed_too(
    changed: dict[str, Any],
    runtime: str,
    is_os_only: bool,  # noqa: FBT001 - pytest names it
) -> None:
    listed = parse_listed(field(CONFIGURATION | changed))
    assert (listed.runtime, listed.is_os_only) == (runtime, is_os_only)
    assert listed.problem or listed.function


def test_an_answer_without_a_link_says_so() -> None:
    described = parse_described(field({"Configuration": CONFIGURATION, "Code": {}}))
    assert described.link is None
    assert described.problem == "missing: `Code.Location`"


def test_no_url_is_shown_where_a_link_is() -> None:
    code = {"Location": "https://storage/secret"}
    described = parse_described(field({"Configuration": CONFIGURATION, "Code": code, "Tags": {}}))
    assert described.link
    assert "secret" not in repr(described)


@pytest.mark.parametrize(
    ("arn", "expected"),
    [(ARN, (ARN, "$LATEST")), (f"{ARN}:live", (ARN, "live")), (f"{ARN}:3", (ARN, "3"))],
)
def test_a_qualifier_is_an_arns_end(arn: str, expected: tuple[str, str]) -> None:
    assert split_arn(arn) == expected


@pytest.mark.parametrize(
    ("mapping", "who", "qualifier"),
    [
        ({"EventSourceArn": "arn:aws:sqs:q", "FunctionArn": ARN}, "arn:aws:sqs:q", "$LATEST"),
        ({"FunctionArn": f"{ARN}:live", "State": "Enabled"}, "self-managed", "live"),
        ({"FunctionArn": ARN, "State": "Disabled"}, "self-managed (disabled)", "$LATEST"),
    ],
)
def test_an_event_source_is_a_caller(mapping: dict[str, str], who: str, qualifier: str) -> None:
    arn, caller = parse_event_source(field(mapping))
    assert (arn, caller.who, caller.qualifier) == (ARN, who, qualifier)


@pytest.mark.parametrize(("kind", "who"), [("NONE", "everybody"), ("AWS_IAM", "who IAM allows")])
def test_a_url_is_a_caller(kind: str, who: str) -> None:
    caller = parse_url(field({"AuthType": kind, "FunctionArn": f"{ARN}:live"}))
    assert (caller.kind, caller.who, caller.qualifier) == (CallerKind.URL, who, "live")


ALLOW = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ARN}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ALLOW | {"Principal": "*"}, ["everybody"]),
        (ALLOW | {"Principal": {"AWS": "*"}}, ["everybody"]),
        (ALLOW | {"Principal": {"Service": "s3.amazonaws.com"}}, ["s3.amazonaws.com"]),
        (ALLOW | {"Principal": {"AWS": ["1", "2"], "Service": "s"}}, ["1", "2", "s"]),
        (ALLOW | {"Action": ["lambda:GetFunction", "lambda:*"], "Principal": {"AWS": "1"}}, ["1"]),
        (ALLOW | {"Action": "lambda:invokefunction*", "Principal": {"AWS": "1"}}, ["1"]),
        (
            ALLOW
            | {
                "Principal": {"Service": "s"},
                "Condition": {
                    "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
                    "StringEquals": {"aws:sourceaccount": ["1"], "lambda:Other": "x"},
                },
            },
            ["s (arn:aws:s3:::b, 1)"],
        ),
        (ALLOW | {"Effect": "Deny", "Principal": "*"}, []),
        (ALLOW | {"Action": "lambda:GetFunction", "Principal": "*"}, []),
    ],
)
def test_a_policy_names_callers(statement: dict[str, Any], expected: list[str]) -> None:
    for statements in (statement, [statement]):
        text = json.dumps({"Version": "2012-10-17", "Statement": statements})
        assert [caller.who for caller in parse_policy(text, "live")] == expected


@pytest.mark.parametrize(
    "policy",
    ["{}", "nonsense", '{"Statement": 1}', '{"Statement": [{"Effect": "Allow", "Action": 1}]}'],
)
def test_a_policy_that_is_none_is_said(policy: str) -> None:
    with pytest.raises(InputError):
        list(parse_policy(policy, "live"))
