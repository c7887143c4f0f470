"""What rules see of a template, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shim.templates.value import Content, Place, Reference, Unknown, Value

LATEST = "$LATEST"


class Tool(StrEnum):
    """What carries a template out, and so the order of the two calls (docs/why/lambda.md)."""

    CLOUDFORMATION = "CloudFormation"
    """Either may be the first."""
    TERRAFORM = "Terraform"
    """Configuration first."""
    UNSAID = "a tool that isn't known"
    """A function's own JSON doesn't say: either may be the first."""


class Format(StrEnum):
    """What a side was read from, and so where its owners change it."""

    TEMPLATE = "a template"
    ASSEMBLY = "what CDK has made"
    SERVERLESS = "what Serverless has made"
    PLAN = "a plan of Terraform"
    CHANGE_SET = "a change set"
    FUNCTION = "a function's JSON"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Function:
    """A function's settings, each with its place."""

    id: str
    """By which the other side has it too: a logical id, an address, a name."""
    place: Place
    name: Value
    """Content None: the tool makes one up."""
    runtime: Value
    handler: Value
    architecture: Value
    layers: Value
    """A list."""
    environment: Value
    """An object: none is as good as an empty one."""
    role: Value
    dead_letter: Value
    code: Value
    """Whatever says which code it is."""
    package: Path | None = None
    """Where that lies on disk."""
    is_local: bool = False
    """Whether `code` is only a path, which says nothing of what was deployed from it."""
    is_image: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layer:
    """A layer's version that the template makes."""

    id: str
    place: Place
    architectures: Value
    """A list: `CompatibleArchitectures`."""
    code: Value
    package: Path | None = None
    is_local: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Version:
    """A version that the template publishes: another id, or another property, publishes anew."""

    id: str
    function: str
    place: Place
    properties: Content


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Alias:
    """An alias, and whether it moves in steps: by weights, or by CodeDeploy."""

    id: str
    function: str
    place: Place
    name: Value
    is_gradual: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumer:
    """Who invokes a function, and which version of it."""

    function: str
    kind: str
    """`an event source mapping`."""
    qualifier: str | Reference | Unknown | None
    """None: none is named, and that is `$LATEST`."""
    place: Place

    @property
    def is_unqualified(self) -> bool:
        """Whether it meets every state that the function passes through."""
        return self.qualifier in {None, LATEST}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Template:
    """One side of a deployment."""

    name: str
    tool: Tool
    functions: dict[str, Function]
    layers: dict[str, Layer]
    versions: tuple[Version, ...]
    aliases: tuple[Alias, ...]
    consumers: tuple[Consumer, ...]
    outputs: tuple[Consumer, ...]
    """Outputs that give an ARN to others, as if they invoked it."""
    shown: Callable[[Path], str] = str
    """What people call a file of it."""
    is_partial: bool = False
    """Whether it has only what changes: then not all consumers are in it."""
    format: Format = Format.TEMPLATE
