"""Who invokes which function, by which qualifier: found by what a resource refers to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shim.templates.model import LATEST, Consumer
from shim.templates.value import Cause, Reference, Text, Unknown, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.templates.model import Alias, Version
    from shim.templates.value import Content, Place

PERMISSION = "a permission"

KINDS = {
    "AWS::ApiGateway::Authorizer": "an authorizer of API Gateway",
    "AWS::ApiGateway::Method": "a method of API Gateway",
    "AWS::ApiGateway::RestApi": "an API of API Gateway",
    "AWS::ApiGatewayV2::Api": "an HTTP API",
    "AWS::ApiGatewayV2::Authorizer": "an authorizer of an HTTP API",
    "AWS::ApiGatewayV2::Integration": "an HTTP API's integration",
    "AWS::AppSync::DataSource": "a data source of AppSync",
    "AWS::AppSync::FunctionConfiguration": "a function of AppSync",
    "AWS::AppSync::GraphQLApi": "an API of AppSync",
    "AWS::Bedrock::Agent": "an agent of Bedrock",
    "AWS::CloudFront::Distribution": "a distribution of CloudFront",
    "AWS::Cognito::UserPool": "a user pool of Cognito",
    "AWS::Config::ConfigRule": "a rule of AWS Config",
    "AWS::Events::Rule": "an EventBridge rule",
    "AWS::IoT::TopicRule": "an IoT rule",
    "AWS::KinesisFirehose::DeliveryStream": "a delivery stream",
    "AWS::Lambda::EventSourceMapping": "an event source mapping",
    "AWS::Lambda::Permission": PERMISSION,
    "AWS::Lambda::Url": "a function URL",
    "AWS::Logs::SubscriptionFilter": "a subscription filter",
    "AWS::Pipes::Pipe": "a pipe",
    "AWS::S3::Bucket": "a bucket's notification",
    "AWS::Scheduler::Schedule": "a schedule",
    "AWS::SecretsManager::RotationSchedule": "a secret's rotation",
    "AWS::SES::ReceiptRule": "a receipt rule of SES",
    "AWS::SNS::Subscription": "an SNS subscription",
    "AWS::SNS::Topic": "an SNS topic",
    "AWS::StepFunctions::StateMachine": "a state machine",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "a load balancer's target group",
}
"""What invokes functions, and what it is called; anything in it that names one counts.

Custom resources aren't here: CloudFormation calls them itself, when their function is there whole.
"""

_QUALIFIER = re.compile(r":([A-Za-z0-9$_-]+)")
_ARN = re.compile(r"arn:[^:]*:lambda:[^:]*:[^:]*:function:([A-Za-z0-9_-]+)")


class Finder:
    """Finds the functions that a content names."""

    def __init__(
        self,
        functions: Mapping[str, str],
        versions: tuple[Version, ...],
        aliases: tuple[Alias, ...],
    ) -> None:
        """`functions` has the id of each by its id and, if it is known, by its name."""
        self._functions = functions
        self._others = {one.id: one.function for one in versions}
        self._others |= {one.id: one.function for one in aliases}

    def consumers(
        self, kind: str, content: Content, place: Callable[[tuple[str | int, ...]], Place]
    ) -> Iterator[Consumer]:
        """Each function that it names, once for a qualifier, with the first place of it."""
        own = content.get("Qualifier") if isinstance(content, dict) else None
        found = set()
        for path, one in _walk(content):
            if path == ("Qualifier",):
                continue
            for function, qualifier in self._named(path, one):
                said = qualifier if qualifier is not None else own
                if (function, said) not in found:
                    found.add((function, said))
                    yield Consumer(
                        function=function, kind=kind, qualifier=_tidy(said), place=place(path)
                    )

    def _named(
        self, path: tuple[str | int, ...], content: Content
    ) -> Iterator[tuple[str, str | Reference | Unknown | None]]:
        parts = content.parts if isinstance(content, Text) else (content,)
        for part, behind in zip(parts, (*parts[1:], ""), strict=True):
            # What is cut out of an ARN, and so unknown, still names whose it is.
            for one in leaves(part):
                if isinstance(one, Reference):
                    yield from self._referred(one, behind)
            if isinstance(part, str):
                yield from self._in_text(part, behind, is_name=path[-1:] == ("FunctionName",))

    def _referred(
        self, one: Reference, behind: Content
    ) -> Iterator[tuple[str, str | Reference | Unknown | None]]:
        function = self._functions.get(one.id)
        if one.id in self._others:
            yield self._others[one.id], one
        elif function is not None and one.attribute in {"", "Arn"}:
            yield function, _qualifier(behind)

    def _in_text(
        self, text: str, behind: Content, *, is_name: bool
    ) -> Iterator[tuple[str, str | Reference | Unknown | None]]:
        """ARNs; and where a function is named, the name that it begins with."""
        for found in _ARN.finditer(text):
            function = self._functions.get(found[1])
            if function is not None:
                yield function, _qualifier(text[found.end() :] or behind)
        name, colon, qualifier = text.partition(":")
        if is_name and name in self._functions:
            yield self._functions[name], qualifier if colon else None


def _qualifier(behind: Content) -> str | Reference | Unknown | None:
    """What follows a function's name or ARN: `:live/invocations`."""
    if isinstance(behind, str):
        if behind == ":":
            return Unknown(cause=Cause.LATER, reason="its qualifier is not in the template")
        found = _QUALIFIER.match(behind)
        return found[1] if found else None
    return None


def _tidy(qualifier: Content) -> str | Reference | Unknown | None:
    if qualifier is None or isinstance(qualifier, str | Reference | Unknown):
        return None if qualifier == LATEST else qualifier
    return Unknown(cause=Cause.FORM, reason="its qualifier is not a name")


def _walk(content: Content) -> Iterator[tuple[tuple[str | int, ...], Content]]:
    """Every leaf with its path."""
    waiting: list[tuple[tuple[str | int, ...], Content]] = [((), content)]
    while waiting:
        path, one = waiting.pop()
        match one:
            case dict():
                waiting += [((*path, name), inner) for name, inner in reversed(one.items())]
            case list():
                waiting += [((*path, index), inner) for index, inner in reversed([*enumerate(one)])]
            case Unknown():
                waiting += [(path, inner) for inner in one.inside]
            case _:
                yield path, one
