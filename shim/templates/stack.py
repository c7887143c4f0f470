"""A CloudFormation template and those nested in it, each resource resolved when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from shim.errors import InputError
from shim.templates.resolve import Scope
from shim.templates.value import Content, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shim.templates.resolve import Given
    from shim.templates.source import Source
    from shim.templates.value import Place, Steps


_STACK = "AWS::CloudFormation::Stack"


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
    read: Callable[[str], Source | None] = lambda _path: None
    """The document of the project that a path in the template means; None outside of it."""
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
        self, stack: Stack, given: Given, nested: Callable[[Stack, str, Given], Stack | None]
    ) -> None:
        """`nested` reads the template that a path of a stack means, with what it is given."""
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
            if not self._is_there(whole):
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
            content = self.scope.resolve(output) if self._is_there(output) else None
            if isinstance(content, dict):
                yield name, content

    def _is_there(self, whole: Any) -> bool:
        """Whether the condition of a resource or an output, if it has one, may hold."""
        condition = whole.get("Condition") if isinstance(whole, dict) else None
        return not isinstance(condition, str) or self.scope.condition(condition) is not False

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
        passed = self.scope.resolve(properties.get("Parameters"))
        parameters = passed if isinstance(passed, dict) else {}
        # CloudFormation makes up what it is called.
        given = replace(self._given, parameters=parameters, stack=None)
        stack = self._nested(self.stack, path, given) if isinstance(path, str) else None
        if stack is None:
            return None
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
    return data
