"""Functions made by chance, as CloudFormation by hand has them, and as a `serverless.yml`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

_PERMISSION, _MAPPING = "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"
EVENTS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "pattern": (
        {"eventBridge": {"pattern": {"source": ["shop"]}}},
        ("AWS::Events::Rule", _PERMISSION),
    ),
    "queue": ({"sqs": "arn:aws:sqs:eu-west-1:123456789012:q"}, (_MAPPING,)),
    "schedule": ({"schedule": "rate(1 day)"}, ("AWS::Events::Rule", _PERMISSION)),
    "stream": ({"stream": "arn:aws:kinesis:eu-west-1:123456789012:stream/s"}, (_MAPPING,)),
    "topic": (
        {"sns": "arn:aws:sns:eu-west-1:123456789012:t"},
        ("AWS::SNS::Subscription", _PERMISSION),
    ),
    "url": (None, ("AWS::Lambda::Url", _PERMISSION)),
}
"""What each is in `serverless.yml`, where it is an event there, and what invokes the function."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A function, in no tool's words."""

    name: str
    runtime: str
    architecture: str
    handler: str
    layers: tuple[str, ...]
    environment: dict[str, str]
    role: str
    failed: str | None
    """The topic that is told of failures."""
    alias: str | None
    events: tuple[str, ...]


def drawn(random: Random, name: str) -> Wanted:
    """Any function."""
    layer = f"arn:aws:lambda:eu-west-1:123456789012:layer:tools:{random.randint(1, 9)}"
    return Wanted(
        name=name,
        runtime=random.choice(["provided.al2023", "provided.al2", "python3.13"]),
        architecture=random.choice(["x86_64", "arm64"]),
        handler=random.choice(["bin/orders", "bootstrap", "app.handler"]),
        layers=(layer,) * random.randint(0, 1),
        environment={"STAGE": "prod"} if random.random() < 0.5 else {},
        role="arn:aws:iam::123456789012:role/shop",
        failed=random.choice([None, "arn:aws:sns:eu-west-1:123456789012:failed"]),
        alias=random.choice([None, "live"]),
        events=tuple(random.sample(sorted(EVENTS), random.randint(0, 3))),
    )


def by_hand(functions: Iterable[Wanted], *, has_aliases: bool) -> dict[str, Any]:
    """One template with all of them."""
    resources: dict[str, Any] = {}
    for number, one in enumerate(functions):
        id_ = f"F{number}"
        resources[id_] = _function(one)
        target: dict[str, Any] = {"Fn::GetAtt": [id_, "Arn"]}
        if one.alias and has_aliases:
            function: dict[str, Any] = {"FunctionName": {"Ref": id_}}
            resources[f"{id_}V"] = {"Type": "AWS::Lambda::Version", "Properties": function}
            resources[f"{id_}A"] = {
                "Type": "AWS::Lambda::Alias",
                "Properties": {**function, "Name": one.alias},
            }
            target = {"Ref": f"{id_}A"}
        for kind in one.events:
            for type_ in EVENTS[kind][1]:
                resources[f"{id_}{kind}{type_}"] = {
                    "Type": type_,
                    "Properties": {"FunctionName": target},
                }
    return {"Resources": resources}


def _function(one: Wanted) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "FunctionName": one.name,
        "Runtime": one.runtime,
        "Handler": one.handler,
        "Architectures": [one.architecture],
        "Layers": list(one.layers),
        "Role": one.role,
        "Code": "shop.zip",
    }
    if one.environment:
        properties["Environment"] = {"Variables": one.environment}
    if one.failed:
        properties["DeadLetterConfig"] = {"TargetArn": one.failed}
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def as_serverless(functions: Iterable[Wanted]) -> dict[str, Any]:
    """A `serverless.yml`; aliases are nothing that it knows."""
    return {
        "service": "shop",
        "configValidationMode": "error",
        "provider": {"name": "aws", "versionFunctions": False},
        "package": {"artifact": "shop.zip"},
        "functions": {f"f{number}": _serverless(one) for number, one in enumerate(functions)},
    }


def _serverless(one: Wanted) -> dict[str, Any]:
    events = [EVENTS[kind][0] for kind in one.events if kind != "url"]
    return {
        "name": one.name,
        "runtime": one.runtime,
        "architecture": one.architecture,
        "handler": one.handler,
        "layers": list(one.layers),
        "environment": one.environment,
        "role": one.role,
        "events": events,
        **({"onError": one.failed} if one.failed else {}),
        **({"url": True} if "url" in one.events else {}),
    }
