"""Reads who invokes a function: event source mappings, URLs and the statements of its policy."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from shim.aws.account import Caller, CallerKind, split_arn
from shim.fields import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.fields import Field

_INVOKING = ("lambda:invokefunction", "lambda:invokefunctionurl")
"""In small letters: a policy's actions are patterns in letters of any case."""

_NARROWING = {"aws:sourcearn", "aws:sourceaccount", "aws:principalorgid"}
"""Keys of conditions that say from where alone calls come, in small letters."""


def parse_event_source(field: Field) -> tuple[str, Caller]:
    """A mapping's function, and what it reads."""
    arn, qualifier = split_arn(field["FunctionArn"].text())
    # Sources that somebody runs himself, Kafka say, have no ARN.
    who = field["EventSourceArn"].text() if field.has("EventSourceArn") else "self-managed"
    state = field["State"].text() if field.has("State") else "Enabled"
    if state not in {"Enabled", "Enabling"}:
        who += f" ({state.lower()})"
    return arn, Caller(kind=CallerKind.EVENT_SOURCE, who=who, qualifier=qualifier)


def parse_url(field: Field) -> Caller:
    """A URL's configuration."""
    is_public = field["AuthType"].text() == "NONE"
    who = "everybody" if is_public else "who IAM allows"
    qualifier = split_arn(field["FunctionArn"].text())[1]
    return Caller(kind=CallerKind.URL, who=who, qualifier=qualifier)


def parse_policy(text: str, qualifier: str) -> Iterator[Caller]:
    """Who a function's policy, which is JSON in itself, lets invoke that version of it."""
    for statement in _listed(read_json(text)["Statement"].value):
        patterns = [str(action).lower() for action in _listed(statement.get("Action"))]
        invokes = any(fnmatchcase(one, pattern) for pattern in patterns for one in _INVOKING)
        if statement.get("Effect") == "Allow" and invokes:
            narrowed = ", ".join(_narrowed(statement.get("Condition") or {}))
            for principal in _principals(statement.get("Principal")):
                who = f"{principal} ({narrowed})" if narrowed else principal
                yield Caller(kind=CallerKind.PERMISSION, who=who, qualifier=qualifier)


def _principals(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _principals(one)
    else:
        yield from ("everybody" if one == "*" else str(one) for one in _listed(value))


def _narrowed(condition: dict[str, Any]) -> Iterator[str]:
    """From where alone calls may come."""
    for keys in condition.values():
        for key, value in keys.items():
            if key.lower() in _NARROWING:
                yield from map(str, _listed(value))


def _listed(value: Any) -> list[Any]:
    """IAM's grammar lets a list of one be written without brackets."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
