"""Reads who invokes a function: event source mappings, URLs and the statements of its policy."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from shim.aws.account import Caller, CallerKind, split_arn
from shim.fields import Field, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    for statement in _listed(read_json(text)["Statement"]):
        if statement["Effect"].text() == "Allow" and _invokes(statement):
            narrowed = ", ".join(_narrowed(statement))
            for principal in _principals(statement["Principal"]):
                who = f"{principal} ({narrowed})" if narrowed else principal
                yield Caller(kind=CallerKind.PERMISSION, who=who, qualifier=qualifier)


def _invokes(statement: Field) -> bool:
    patterns = [one.text().lower() for one in _listed(statement["Action"])]
    return any(fnmatchcase(action, pattern) for pattern in patterns for action in _INVOKING)


def _principals(field: Field) -> Iterator[str]:
    if isinstance(field.value, dict):
        for name in field.names():
            yield from _principals(field[name])
    else:
        yield from ("everybody" if one.value == "*" else one.text() for one in _listed(field))


def _narrowed(statement: Field) -> Iterator[str]:
    """From where alone calls may come."""
    condition = statement["Condition"] if statement.has("Condition") else Field(value={})
    for operator in condition.names():
        for key in condition[operator].names():
            if key.lower() in _NARROWING:
                yield from (one.text() for one in _listed(condition[operator][key]))


def _listed(field: Field) -> list[Field]:
    """IAM's grammar lets a list of one be written without brackets."""
    return list(field.items()) if isinstance(field.value, list) else [field]
