"""A plan as `terraform show -json` prints it: both sides in one document, each part by its address.

(Terraform, "JSON Output Format".)
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from shim.arch import Arch
from shim.fields import Field
from shim.package.packages import file_sha256
from shim.templates.consumers import PERMISSION, Finder
from shim.templates.model import Alias, Format, Function, Template, Tool, Version
from shim.templates.value import Cause, Place, Reference, Text, Unknown, Value, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from shim.templates.model import Consumer
    from shim.templates.value import Content

KINDS = {
    "aws_api_gateway_authorizer": "an authorizer of API Gateway",
    "aws_api_gateway_integration": "a method of API Gateway",
    "aws_api_gateway_rest_api": "an API of API Gateway",
    "aws_apigatewayv2_authorizer": "an authorizer of an HTTP API",
    "aws_apigatewayv2_integration": "an HTTP API's integration",
    "aws_appsync_datasource": "a data source of AppSync",
    "aws_cloudfront_distribution": "a distribution of CloudFront",
    "aws_cloudwatch_event_target": "an EventBridge rule",
    "aws_cloudwatch_log_subscription_filter": "a subscription filter",
    "aws_cognito_user_pool": "a user pool of Cognito",
    "aws_iot_topic_rule": "an IoT rule",
    "aws_kinesis_firehose_delivery_stream": "a delivery stream",
    "aws_lambda_event_source_mapping": "an event source mapping",
    "aws_lambda_function_url": "a function URL",
    "aws_lambda_permission": PERMISSION,
    "aws_lb_target_group_attachment": "a load balancer's target group",
    "aws_pipes_pipe": "a pipe",
    "aws_s3_bucket_notification": "a bucket's notification",
    "aws_scheduler_schedule": "a schedule",
    "aws_secretsmanager_secret_rotation": "a secret's rotation",
    "aws_sfn_state_machine": "a state machine",
    "aws_sns_topic_subscription": "an SNS subscription",
}
"""What invokes functions, and what it is called, as `consumers.KINDS` has them."""

_SPELT = {"function_name": "FunctionName", "qualifier": "Qualifier"}
_CODE = ("source_code_hash", "s3_bucket", "s3_key", "s3_object_version", "image_uri")
_INDEX = re.compile(r"\[[^\[\]]*\]")


def is_terraform(document: Field) -> bool:
    """Whether it is a plan."""
    return document.has("format_version") and document.has("resource_changes")


def read_plan(
    file: str, document: Field, find: Callable[[str], Path | None]
) -> tuple[Template, Template]:
    """Both sides."""
    references = dict(_references(document))
    changes = [one for one in document["resource_changes"].items() if one.has("change")]
    old = _Side(file, [_Resource(one, "before", {}) for one in changes], find, is_deployed=True)
    new = _Side(file, [_Resource(one, "after", references) for one in changes], find)
    return old.template(), new.template()


class _Resource:
    """One side of a resource's change."""

    def __init__(self, change: Field, side: str, references: Mapping[tuple[str, str], Any]) -> None:
        self.address = change["address"].text()
        self.type = change["type"].text()
        self.module = change["module_address"].text() if change.has("module_address") else ""
        self._references = references
        inner = change["change"]
        self.values: dict[str, Any] | None = inner[side].value if inner.has(side) else None
        later = f"{side}_unknown"
        self._later = inner[later].value if inner.has(later) else None

    def get(self, name: str) -> Content:
        """An attribute; what is known after the apply by what it refers to, if that is told."""
        values = self.values if isinstance(self.values, dict) else {}
        later = self._later.get(name) if isinstance(self._later, dict) else None
        if later is True:
            parts = self._references.get((_INDEX.sub("", self.address), name), ())
            named = tuple(Reference(id=one, attribute=attribute) for one, attribute in parts)
            return Text(parts=named) if named else self._unknown(name)
        value = values.get(name)
        return self._with_unknown(value, later, name)

    def all(self) -> dict[str, Content]:
        """Every attribute, spelt as CloudFormation does where a finder must know it."""
        values = self.values if isinstance(self.values, dict) else {}
        later = self._later if isinstance(self._later, dict) else {}
        return {_SPELT.get(name, name): self.get(name) for name in {**values, **later}}

    def _with_unknown(self, value: Any, later: Any, name: str) -> Content:
        if later is True:
            return self._unknown(name)
        if isinstance(value, dict) and isinstance(later, dict):
            both = {**dict.fromkeys(later), **value}
            return {key: self._with_unknown(both[key], later.get(key), name) for key in both}
        if isinstance(value, list) and isinstance(later, list):
            rest = [*later, *[None] * (len(value) - len(later))]
            return [self._with_unknown(*pair, name) for pair in zip(value, rest, strict=False)]
        return value

    def _unknown(self, name: str) -> Unknown:
        return Unknown(cause=Cause.LATER, reason=f"`{name}` is known after the apply")


class _Side:
    def __init__(
        self,
        file: str,
        resources: list[_Resource],
        find: Callable[[str], Path | None],
        *,
        is_deployed: bool = False,
    ) -> None:
        self._is_deployed = is_deployed
        self._file = file
        self._find = find
        self._resources = [one for one in resources if one.values is not None]

    def template(self) -> Template:
        functions = {one.address: self._function(one) for one in self._of("aws_lambda_function")}
        known = {one: one for one in functions}
        known |= {one.name.text: one.id for one in functions.values() if one.name.text}
        aliases = tuple(self._aliases(known))
        return Template(
            name=self._file,
            tool=Tool.TERRAFORM,
            format=Format.PLAN,
            functions=functions,
            layers={},
            versions=tuple(self._versions()),
            aliases=aliases,
            consumers=tuple(self._consumers(Finder(known, (), aliases))),
            outputs=(),
        )

    def _of(self, kind: str) -> Iterator[_Resource]:
        return (one for one in self._resources if one.type == kind)

    def _value(self, resource: _Resource, name: str, content: Content) -> Value:
        place = Place(file=self._file, path=f"{resource.address}.{name}")
        return Value(content=content, place=place)

    def _function(self, one: _Resource) -> Function:
        def value(name: str) -> Value:
            return self._value(one, name, one.get(name))

        def block(name: str, inner: str) -> Value:
            return self._value(one, name, _block(one.get(name), inner))

        architectures = one.get("architectures")
        only = architectures[0] if isinstance(architectures, list) and architectures else None
        path = one.get("filename")
        return Function(
            id=one.address,
            place=Place(file=self._file, path=one.address),
            name=value("function_name"),
            runtime=value("runtime"),
            handler=value("handler"),
            architecture=self._value(
                one,
                "architectures",
                architectures if isinstance(architectures, Unknown) else only or Arch.X86_64.value,
            ),
            layers=self._value(one, "layers", one.get("layers") or []),
            environment=block("environment", "variables"),
            role=value("role"),
            dead_letter=block("dead_letter_config", "target_arn"),
            code=self._value(one, "source_code_hash", {name: one.get(name) for name in _CODE}),
            package=self._package(path, one.get("source_code_hash")),
            is_image=one.get("package_type") == "Image",
        )

    def _package(self, path: Content, code_sha256: Content) -> Path | None:
        """The zip; what is deployed only where the file still is what it was then."""
        found = self._find(path) if isinstance(path, str) else None
        if found is None or not self._is_deployed:
            return found
        return found if found.is_file() and file_sha256(found) == code_sha256 else None

    def _versions(self) -> Iterator[Version]:
        """Terraform publishes by an attribute of the function: its number shows whether it does."""
        for one in self._of("aws_lambda_function"):
            if one.get("publish") is True:
                yield Version(
                    id=f"{one.address}.version",
                    function=one.address,
                    place=Place(file=self._file, path=f"{one.address}.publish"),
                    properties=one.get("version"),
                )

    def _aliases(self, known: Mapping[str, str]) -> Iterator[Alias]:
        for one in self._of("aws_lambda_alias"):
            function = _target(one.get("function_name"), known)
            if function is not None:
                yield Alias(
                    id=one.address,
                    function=function,
                    place=Place(file=self._file, path=one.address),
                    name=self._value(one, "name", one.get("name")),
                    is_gradual=bool(one.get("routing_config")),
                )

    def _consumers(self, finder: Finder) -> Iterator[Consumer]:
        for one in self._resources:
            if one.type in KINDS:
                yield from finder.consumers(KINDS[one.type], one.all(), partial(self._at, one))

    def _at(self, resource: _Resource, _: tuple[str | int, ...]) -> Place:
        return Place(file=self._file, path=resource.address)


def _target(content: Content, known: Mapping[str, str]) -> str | None:
    for one in leaves(content):
        if isinstance(one, Reference) and one.id in known:
            return known[one.id]
        if isinstance(one, str):
            name = one.partition(":function:")[2].partition(":")[0] or one
            if name in known:
                return known[name]
    return None


def _block(content: Content, name: str) -> Content:
    """An attribute of a nested block, which is a list of one."""
    if isinstance(content, list):
        return content[0].get(name) if content and isinstance(content[0], dict) else None
    return content


_Referred: TypeAlias = "Iterator[tuple[tuple[str, str], list[tuple[str, str]]]]"


def _references(document: Field) -> _Referred:
    """By address and attribute: what the configuration refers to there, functions and aliases."""
    if document.has("configuration") and document["configuration"].has("root_module"):
        yield from _in_module(document["configuration"]["root_module"], "")


def _in_module(module: Field, prefix: str) -> _Referred:
    for one in module["resources"].items() if module.has("resources") else ():
        address = f"{prefix}{one['address'].text()}"
        expressions = one["expressions"] if one.has("expressions") else Field(value={})
        for name in expressions.names():
            expression = expressions[name]
            # A nested block is a list of such objects: none of those that matter here.
            if isinstance(expression.value, dict) and expression.has("references"):
                words = [word.text() for word in expression["references"].items()]
                yield (address, name), [one for word in words for one in _named(word, prefix)]
    calls = module["module_calls"] if module.has("module_calls") else Field(value={})
    for name in calls.names():
        if calls[name].has("module"):
            yield from _in_module(calls[name]["module"], f"{prefix}module.{name}.")


def _named(word: str, prefix: str) -> Iterator[tuple[str, str]]:
    """The function or alias in `aws_lambda_function.orders.arn`, and the attribute.

    Those that give an ARN are one; a qualified one has its version in it.
    """
    match word.split("."):
        case ["aws_lambda_function" | "aws_lambda_alias" as kind, name, attribute]:
            is_arn = attribute in {"arn", "invoke_arn", "function_name", "id"}
            yield f"{prefix}{kind}.{name}", "Arn" if is_arn else attribute
        case _:
            pass
