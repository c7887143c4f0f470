"""A resource of Terraform's plan, as it is before or after, with what isn't known yet.

(Terraform, "JSON Output Format".)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from shim.fields import Field
from shim.templates.value import Cause, Reference, Text, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.templates.value import Content

LAYER = "aws_lambda_layer_version"

_REFERRED = {"aws_lambda_function", "aws_lambda_alias", LAYER}
_SPELT = {"function_name": "FunctionName", "qualifier": "Qualifier"}
_INDEX = re.compile(r"\[[^\[\]]*\]")


class Planned:
    """One side of a resource's change."""

    def __init__(self, change: Field, side: str, references: Mapping[tuple[str, str], Any]) -> None:
        """`side` is `before` or `after`."""
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
            named = self.references(name)
            return Text(parts=named) if named else self._unknown(name)
        value = values.get(name)
        return self._with_unknown(value, later, name)

    def references(self, name: str) -> tuple[Reference, ...]:
        """What the configuration refers to in an attribute, of what matters here."""
        parts = self._references.get((_INDEX.sub("", self.address), name), ())
        return tuple(Reference(id=one, attribute=attribute) for one, attribute in parts)

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


_Referred: TypeAlias = "Iterator[tuple[tuple[str, str], list[tuple[str, str]]]]"


def read_references(document: Field) -> _Referred:
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
        case [kind, name, attribute] if kind in _REFERRED:
            is_arn = attribute in {"arn", "invoke_arn", "function_name", "id"}
            yield f"{prefix}{kind}.{name}", "Arn" if is_arn else attribute
        case _:
            pass
