"""What a template says, as far as it can be known before a deployment, and where it says so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

Content: TypeAlias = Any
"""JSON's values, in which a `Reference`, a `Text` or an `Unknown` can stand anywhere."""

Steps: TypeAlias = "tuple[str | int, ...]"
"""The names and indexes that lead to a part of a document."""

_SHOWN = 120


class Cause(StrEnum):
    """Why something isn't known."""

    PARAMETER = "a parameter without a value"
    STORED = "a parameter that is looked up in an account"
    PSEUDO = "the region, the account or the stack"
    IMPORT = "another stack's export"
    CONDITION = "a condition that isn't known"
    DYNAMIC = "a dynamic reference"
    FUNCTION = "a function that only an account can carry out"
    MISSING = "a name that the template doesn't have"
    FORM = "a value of another form than expected"
    LATER = "known after the deployment only"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something stands: as far as the format has it, file and line, and a path in it."""

    file: str
    path: str
    """`Resources.Orders.Properties.Runtime`, Terraform's address, or the construct's path."""
    line: int | None = None
    """From 1."""
    column: int | None = None
    """From 1."""
    text: str = ""
    """The line itself."""
    steps: Steps = ()
    """Where the file has it, if people write that file."""

    def __str__(self) -> str:
        """For people: `template.yaml:12`, or `plan.json: aws_lambda_function.orders`."""
        return f"{self.file}:{self.line}" if self.line else f"{self.file}: {self.path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Another resource of the template, or one of its attributes."""

    id: str
    attribute: str = ""
    """Empty for what `Ref` gives."""

    def __str__(self) -> str:
        """As `Fn::Sub` has it."""
        return f"${{{self.id}.{self.attribute}}}" if self.attribute else f"${{{self.id}}}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """What can't be told, and why."""

    cause: Cause
    reason: str
    inside: tuple[Content, ...] = ()
    """What it may be, or is made of."""

    def __str__(self) -> str:
        """For people."""
        return f"unknown ({self.reason})"

    def __hash__(self) -> int:
        """What is inside has lists in it."""
        return hash((self.cause, self.reason))


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A text, parts of which are only known later."""

    parts: tuple[str | Reference | Unknown, ...]

    def __str__(self) -> str:
        """The parts after each other."""
        return "".join(map(str, self.parts))


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One setting: what it is, and where it stands."""

    content: Content
    """None where the template doesn't set it."""
    place: Place

    @property
    def unknown(self) -> Unknown | None:
        """Why it isn't known whole; None where it is."""
        return next((one for one in leaves(self.content) if isinstance(one, Unknown)), None)

    @property
    def text(self) -> str | None:
        """The text that it is; None where it is none, or not known."""
        return self.content if isinstance(self.content, str) else None

    def __str__(self) -> str:
        """For people, in one line."""
        return shown(self.content)


def leaves(content: Content) -> Iterator[Content]:
    """Everything in it that is neither a list nor an object."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        match one:
            case dict():
                waiting.extend(reversed(one.values()))
            case list():
                waiting.extend(reversed(one))
            case Text():
                waiting.extend(reversed(one.parts))
            case Unknown():
                yield one
                waiting.extend(reversed(one.inside))
            case _:
                yield one


def shown(content: Content) -> str:
    """A content in one line, cut where it is long."""
    if content is None:
        return "(not set)"
    text = printable(content if isinstance(content, str) else _written(content))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _written(content: Content) -> str:
    if isinstance(content, Reference | Text | Unknown):
        return str(content)
    return json.dumps(content, default=str, ensure_ascii=False)
