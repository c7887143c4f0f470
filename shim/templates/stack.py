"""A CloudFormation template as the model that rules see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from shim.arch import Arch
from shim.errors import InputError
from shim.templates.consumers import KINDS, Finder
from shim.templates.model import Alias, Consumer, Function, Layer, Template, Tool, Version
from shim.templates.resolve import Scope
from shim.templates.value import Content, Reference, Value, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from shim.templates.resolve import Given
    from shim.templates.value import Place

FUNCTION, LAYER = "AWS::Lambda::Function", "AWS::Lambda::LayerVersion"
VERSION, ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"

_STACK = "AWS::CloudFormation::Stack"

Steps: TypeAlias = "tuple[str | int, ...]"


class Located(Protocol):
    """What knows where a part of a template stands."""

    def place(self, path: Steps) -> Place:
        """Of what stands at the path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """One template, and what it is read with."""

    name: str
    data: dict[str, Any]
    located: Located
    find: Callable[[str], Path | None]
    """The file or folder of the project that a path in the template means; None outside of it."""
    uploaded: Callable[[str], Path | None] = lambda _key: None
    """The file that will have this key in S3."""
    prefix: str = ""
    """Before the ids of its resources: of nested stacks, and where there are several stacks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """A resource with its properties resolved."""

    id: str
    type: str
    properties: dict[str, Content]
    path: Steps
    whole: dict[str, Any]
    stack: Stack

    def place(self, *names: str | int) -> Place:
        """Of something in it."""
        return self.stack.located.place((*self.path, *names))

    def value(self, name: str, default: Content = None) -> Value:
        """One of its properties."""
        content = self.properties.get(name, default)
        # The line of a list's name alone would say nothing.
        first = (0,) if isinstance(content, list) and content else ()
        return Value(content=content, place=self.place("Properties", name, *first))

    def local(self, name: str) -> Path | None:
        """Where the file of a property lies: one not in S3 yet, or one that a tool has noted."""
        path = noted_asset(self.whole, name) or self.properties.get(name)
        if isinstance(path, dict) and isinstance(path.get("S3Key"), str):
            return self.stack.uploaded(path["S3Key"])
        return self.stack.find(path) if isinstance(path, str) else None


class Part:
    """A stack and those nested in it, each opened when it is asked for."""

    def __init__(
        self, stack: Stack, given: Given, nested: Callable[[Stack, str], Stack | None]
    ) -> None:
        """`nested` reads the template that a path means, which a stack names."""
        self.stack = stack
        self.scope = Scope(stack.data, given, prefix=stack.prefix, output_of=self._output_of)
        self._given = given
        self._nested = nested
        self._children: dict[str, Part | None] = {}

    def all(self) -> Iterator[Part]:
        """It, and all below it."""
        yield self
        for name, whole in self.stack.data["Resources"].items():
            if isinstance(whole, dict) and whole.get("Type") == _STACK:
                child = self._child(name)
                if child is not None:
                    yield from child.all()

    def resources(self) -> Iterator[Resource]:
        """Its own, without those whose condition doesn't hold."""
        for name, whole in self.stack.data["Resources"].items():
            if not isinstance(whole, dict) or not isinstance(whole.get("Type"), str):
                continue
            condition = whole.get("Condition")
            if isinstance(condition, str) and self.scope.condition(condition) is False:
                continue
            properties = self.scope.resolve(whole.get("Properties"))
            yield Resource(
                id=self.stack.prefix + name,
                type=whole["Type"],
                properties=properties if isinstance(properties, dict) else {},
                path=("Resources", name),
                whole=whole,
                stack=self.stack,
            )

    def outputs(self) -> Iterator[tuple[str, dict[str, Content]]]:
        """Its own, by name."""
        outputs = self.stack.data.get("Outputs")
        for name, output in outputs.items() if isinstance(outputs, dict) else ():
            content = self.scope.resolve(output)
            if isinstance(content, dict):
                yield name, content

    def _output_of(self, name: str, output: str) -> Content:
        child = self._child(name)
        return None if child is None else dict(child.outputs()).get(output, {}).get("Value")

    def _child(self, name: str) -> Part | None:
        if name not in self._children:
            # Until it is read: one that depends on itself isn't at hand.
            self._children[name] = None
            self._children[name] = self._opened(name, self.stack.data["Resources"][name])
        return self._children[name]

    def _opened(self, name: str, whole: Any) -> Part | None:
        properties = whole.get("Properties") if isinstance(whole, dict) else None
        if not isinstance(properties, dict) or whole.get("Type") != _STACK:
            return None
        path = noted_asset(whole, "TemplateURL") or properties.get("TemplateURL")
        stack = self._nested(self.stack, path) if isinstance(path, str) else None
        if stack is None:
            return None
        passed = self.scope.resolve(properties.get("Parameters"))
        given = replace(self._given, parameters=passed if isinstance(passed, dict) else {})
        stack = replace(stack, prefix=f"{self.stack.prefix}{name}/")
        return Part(stack, given, self._nested)


def noted_asset(resource: dict[str, Any], name: str) -> str | None:
    """The local path that a tool has noted for a property (AWS CDK, asset metadata)."""
    metadata = resource.get("Metadata")
    if not isinstance(metadata, dict) or metadata.get("aws:asset:property") != name:
        return None
    path = metadata.get("aws:asset:path")
    return path if isinstance(path, str) else None


def check_template(data: Any) -> dict[str, Any]:
    """`data`, if it is a template with resources; else `InputError`."""
    if not isinstance(data, dict) or not isinstance(data.get("Resources"), dict):
        raise InputError("not a template: it has no `Resources`")
    for name in data["Resources"]:
        if name.startswith("Fn::ForEach"):
            raise InputError(
                f"what CloudFormation makes of it is not in the template: `{name}`",
                hint="compare what it has made: `aws cloudformation get-template"
                " --template-stage Processed`",
            )
    return data


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
                place = partial(_place_in, one)
                yield from finder.consumers(KINDS[one.type], one.properties, place)

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
        environment=_inside(resource.value("Environment"), "Variables"),
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


def _place_in(resource: Resource, path: Steps) -> Place:
    return resource.place("Properties", *path)


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


def _inside(value: Value, name: str) -> Value:
    content = value.content.get(name) if isinstance(value.content, dict) else value.content
    return Value(content=content, place=value.place)
