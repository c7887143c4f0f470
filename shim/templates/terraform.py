"""A plan as `terraform show -json` prints it: both sides in one document, each part by its address.

(Terraform, "JSON Output Format".)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.package.packages import file_sha256
from shim.templates.consumers import PERMISSION, Finder
from shim.templates.model import Alias, Format, Function, Layer, Template, Tool, Version
from shim.templates.planned import LAYER, Planned, read_references
from shim.templates.value import Place, Reference, Text, Unknown, Value, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from shim.fields import Field
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

_CODE = ("source_code_hash", "s3_bucket", "s3_key", "s3_object_version", "image_uri")


def is_terraform(document: Field) -> bool:
    """Whether it is a plan."""
    return document.has("format_version") and document.has("resource_changes")


def read_plan(
    file: str, document: Field, find: Callable[[str], Path | None]
) -> tuple[Template, Template]:
    """Both sides."""
    references = dict(read_references(document))
    changes = [one for one in document["resource_changes"].items() if one.has("change")]
    old = _Side(file, [Planned(one, "before", {}) for one in changes], partial(_deployed, find))
    new = _Side(file, [Planned(one, "after", references) for one in changes], partial(_file, find))
    return old.template(), new.template()


def _file(find: Callable[[str], Path | None], resource: Planned) -> Path | None:
    """Where the zip lies that a function or a layer is made of."""
    path = resource.get("filename")
    return find(path) if isinstance(path, str) else None


def _deployed(find: Callable[[str], Path | None], resource: Planned) -> Path | None:
    """The same of what is there already: only if it still is that zip."""
    path = _file(find, resource)
    if path is None or not path.is_file():
        return None
    return path if file_sha256(path) == resource.get("source_code_hash") else None


class _Side:
    def __init__(
        self,
        file: str,
        resources: list[Planned],
        package: Callable[[Planned], Path | None],
    ) -> None:
        self._file = file
        self._package = package
        self._resources = [one for one in resources if one.values is not None]
        self._made = {
            arn: Reference(id=one.address, attribute="Arn")
            for one in self._of(LAYER)
            if isinstance(arn := one.get("arn"), str)
        }
        """The plan's own layers by the ARNs that they have."""

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
            layers={one.address: self._layer(one) for one in self._of(LAYER)},
            versions=tuple(self._versions()),
            aliases=aliases,
            consumers=tuple(self._consumers(Finder(known, (), aliases))),
            outputs=(),
        )

    def _of(self, kind: str) -> Iterator[Planned]:
        return (one for one in self._resources if one.type == kind)

    def _value(self, resource: Planned, name: str, content: Content) -> Value:
        place = Place(file=self._file, path=f"{resource.address}.{name}")
        return Value(content=content, place=place)

    def _function(self, one: Planned) -> Function:
        def value(name: str) -> Value:
            return self._value(one, name, one.get(name))

        def block(name: str, inner: str, default: Content = None) -> Value:
            content = _block(one.get(name), inner)
            return self._value(one, name, default if content is None else content)

        architectures = one.get("architectures")
        only = architectures[0] if isinstance(architectures, list) and architectures else None
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
            layers=self._value(one, "layers", self._layers(one)),
            environment=block("environment", "variables", {}),
            role=value("role"),
            dead_letter=block("dead_letter_config", "target_arn"),
            code=self._code(one),
            package=self._package(one),
            is_image=one.get("package_type") == "Image",
        )

    def _layers(self, function: Planned) -> Content:
        """Each layer: one that the plan makes as it is referred to, any other by its ARN."""
        content = function.get("layers")
        references = iter(function.references("layers"))
        if isinstance(content, Text):
            return list(content.parts)
        if not isinstance(content, list):
            return content or []
        return [
            next(references, one) if isinstance(one, Unknown) else self._made.get(str(one), one)
            for one in content
        ]

    def _layer(self, one: Planned) -> Layer:
        return Layer(
            id=one.address,
            place=Place(file=self._file, path=one.address),
            architectures=self._value(
                one, "compatible_architectures", one.get("compatible_architectures")
            ),
            code=self._code(one),
            package=self._package(one),
        )

    def _code(self, one: Planned) -> Value:
        return self._value(one, "source_code_hash", {name: one.get(name) for name in _CODE})

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

    def _at(self, resource: Planned, _: tuple[str | int, ...]) -> Place:
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
