"""A change set as `aws cloudformation describe-change-set` prints it: both sides in one document.

With `--include-property-values` each change has the resource as it was and as it will be; without,
only the names of what changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shim.fields import Field, naming, read_json
from shim.templates.cloudformation import FUNCTION, read_stacks
from shim.templates.model import Format
from shim.templates.resolve import Given
from shim.templates.source import dotted
from shim.templates.stack import Part, Stack
from shim.templates.value import Cause, Place, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.templates.model import Template

_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
_SILENT = Unknown(
    cause=Cause.LATER,
    reason="the change set has no values: describe it with --include-property-values",
)
_SETTINGS = ("Runtime", "Handler", "Architectures", "Layers", "Environment", "Role", "Code",
             "DeadLetterConfig")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Places:
    """By a resource's name: where its change stands."""

    file: str
    paths: dict[str, str]

    def place(self, path: tuple[str | int, ...]) -> Place:
        """The change's JSON path, and what is meant in it."""
        name = str(path[1]) if len(path) > 1 else ""
        inside = dotted(one for one in path[2:] if one != "Properties")
        return Place(file=self.file, path=f"{self.paths.get(name, '')} {inside}".strip())


def is_change_set(document: Field) -> bool:
    """Whether it is one."""
    return document.has("ChangeSetId") or (document.has("Changes") and document.has("StackId"))


def read_change_set(file: str, document: Field) -> tuple[Template, Template]:
    """Both sides, as far as they change."""
    sides: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    paths = {}
    for change in document["Changes"].items() if document.has("Changes") else ():
        if not change.has("ResourceChange"):
            continue
        field = change["ResourceChange"]
        name = field["LogicalResourceId"].text()
        paths[name] = field.json_path
        for side, is_there, resource in zip(
            sides, _is_there(field), _resources(field), strict=True
        ):
            if is_there:
                side[name] = resource
    located = _Places(file=file, paths=paths)
    old, new = (
        read_stacks(
            file,
            [
                Part(
                    Stack(
                        name=file,
                        data={"Resources": side},
                        located=located,
                        find=lambda _path: None,
                    ),
                    Given(),
                    lambda _stack, _path, _given: None,
                )
            ],
        )
        for side in sides
    )
    return (
        replace(old, is_partial=True, format=Format.CHANGE_SET),
        replace(new, is_partial=True, format=Format.CHANGE_SET),
    )


def _is_there(field: Field) -> tuple[bool, bool]:
    """Before, and after."""
    action = field["Action"].text()
    return action != "Add", action != "Remove"


def _resources(field: Field) -> tuple[dict[str, Any], dict[str, Any]]:
    """The resource before and after."""
    kind = field["ResourceType"].text()
    old, new = _properties(field, kind)
    if kind == FUNCTION and field.has("PhysicalResourceId"):
        for properties in (old, new):
            properties.setdefault("FunctionName", field["PhysicalResourceId"].text())
    return {"Type": kind, "Properties": old}, {"Type": kind, "Properties": new}


def _properties(field: Field, kind: str) -> Iterator[dict[str, Any]]:
    for context, value in (("BeforeContext", "BeforeValue"), ("AfterContext", "AfterValue")):
        if field.has(context):
            with naming(field[context].json_path):
                whole = read_json(field[context].text())
            properties = whole["Properties"].value if whole.has("Properties") else {}
            yield _known(properties) if isinstance(properties, dict) else {}
            continue
        yield {
            **(dict.fromkeys(_SETTINGS, _SILENT) if kind == FUNCTION else {}),
            **{name: _detail(target, value) for name, target in _targets(field)},
        }


def _targets(field: Field) -> Iterator[tuple[str, Field]]:
    """The properties that change, by name."""
    for detail in field["Details"].items() if field.has("Details") else ():
        if detail.has("Target") and detail["Target"].has("Name"):
            yield detail["Target"]["Name"].text(), detail["Target"]


def _detail(target: Field, value: str) -> Any:
    """What it was or will be; where that isn't said, another unknown on each side."""
    if target.has(value) and not target.has("Path"):
        return _known(target[value].text())
    return Unknown(cause=_SILENT.cause, reason=f"{_SILENT.reason} ({value})")


def _known(value: Any) -> Any:
    """What only the deployment will tell is unknown."""
    if isinstance(value, dict):
        return {name: _known(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_known(one) for one in value]
    return Unknown(cause=Cause.LATER, reason="known after the change") if value == _LATER else value
