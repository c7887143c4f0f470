"""CloudFormation's stacks as the model that rules see."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.templates.consumers import KINDS, Finder
from shim.templates.definitions import contents
from shim.templates.model import Alias, Consumer, Function, Layer, Template, Tool, Version
from shim.templates.value import Content, Reference, Value, leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.templates.stack import Part, Resource
    from shim.templates.value import Place, Steps

FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
VERSION, ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"


def read_stacks(name: str, parts: Iterable[Part]) -> Template:
    """All that stacks which are deployed together say of functions."""
    return _Reader(name, [one for part in parts for one in part.all()]).template()


class _Reader:
    def __init__(self, name: str, parts: list[Part]) -> None:
        self._name = name
        self._parts = parts
        self._resources = [one for part in parts for one in part.resources()]

    def template(self) -> Template:
        functions = {one.id: _function(one) for one in self._of(FUNCTION)}
        known = {one: one for one in functions}
        known |= {one.name.text: one.id for one in functions.values() if one.name.text}
        versions = tuple(self._versions(known))
        aliases = tuple(self._aliases(known))
        finder = Finder(known, versions, aliases)
        return Template(
            name=self._name,
            tool=Tool.CLOUDFORMATION,
            functions=functions,
            layers={one.id: _layer(one) for one in self._of(LAYER)},
            versions=versions,
            aliases=aliases,
            consumers=tuple(self._consumers(finder)),
            outputs=tuple(self._outputs(finder)),
        )

    def _of(self, kind: str) -> Iterator[Resource]:
        return (one for one in self._resources if one.type == kind)

    def _versions(self, known: dict[str, str]) -> Iterator[Version]:
        for one in self._of(VERSION):
            function = _target(one.properties.get("FunctionName"), known)
            if function is not None:
                yield Version(
                    id=one.id,
                    function=function,
                    place=one.place(),
                    properties=one.properties,
                )

    def _aliases(self, known: dict[str, str]) -> Iterator[Alias]:
        for one in self._of(ALIAS):
            function = _target(one.properties.get("FunctionName"), known)
            if function is None:
                continue
            policy = one.whole.get("UpdatePolicy")
            shifts = isinstance(policy, dict) and "CodeDeployLambdaAliasUpdate" in policy
            yield Alias(
                id=one.id,
                function=function,
                place=one.place(),
                name=one.value("Name"),
                is_gradual=shifts or bool(one.properties.get("RoutingConfig")),
            )

    def _consumers(self, finder: Finder) -> Iterator[Consumer]:
        for one in self._resources:
            if one.type in KINDS:
                for content, place in contents(one):
                    yield from finder.consumers(KINDS[one.type], content, place)

    def _outputs(self, finder: Finder) -> Iterator[Consumer]:
        for part in self._parts:
            for name, content in part.outputs():
                kind = "an export" if "Export" in content else "an output"
                value = content.get("Value")
                # A name alone invites nobody as an ARN does.
                if any(map(_is_arn, leaves(value))):
                    place = part.stack.located.place(("Outputs", name, "Value"))
                    yield from finder.consumers(kind, value, partial(_always, place))


def _function(resource: Resource) -> Function:
    architectures = resource.value("Architectures")
    content = _only(architectures.content, Arch.X86_64.value)
    code = resource.value("Code")
    is_image = isinstance(code.content, dict) and "ImageUri" in code.content
    return Function(
        id=resource.id,
        place=resource.place(),
        name=resource.value("FunctionName"),
        runtime=resource.value("Runtime"),
        handler=resource.value("Handler"),
        architecture=Value(content=content, place=architectures.place),
        layers=resource.value("Layers", []),
        environment=_inside(resource.value("Environment"), "Variables", {}),
        role=resource.value("Role"),
        dead_letter=_inside(resource.value("DeadLetterConfig"), "TargetArn"),
        code=code,
        package=resource.local("Code"),
        is_local=isinstance(code.content, str),
        is_image=is_image or resource.properties.get("PackageType") == "Image",
    )


def _layer(resource: Resource) -> Layer:
    code = resource.value("Content")
    return Layer(
        id=resource.id,
        place=resource.place(),
        architectures=resource.value("CompatibleArchitectures"),
        code=code,
        package=resource.local("Content"),
        is_local=isinstance(code.content, str),
    )


def _always(place: Place, _: Steps) -> Place:
    return place


def _is_arn(content: Content) -> bool:
    if isinstance(content, Reference):
        return content.attribute == "Arn"
    return isinstance(content, str) and content.startswith("arn:")


def _target(content: Content, known: dict[str, str]) -> str | None:
    """The function of this template that something belongs to."""
    for one in leaves(content):
        if isinstance(one, Reference) and one.id in known:
            return known[one.id]
        if isinstance(one, str) and one in known:
            return known[one]
    return None


def _only(content: Content, default: str) -> Content:
    """The one element of a list, such as `Architectures` is."""
    if content is None or content == []:
        return default
    return content[0] if isinstance(content, list) and len(content) == 1 else content


def _inside(value: Value, name: str, default: Content = None) -> Value:
    content = value.content.get(name) if isinstance(value.content, dict) else value.content
    return Value(content=default if content is None else content, place=value.place)
