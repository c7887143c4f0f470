"""What SAM's functions share by `Globals`, which adds to lists and objects of their own.

(AWS SAM, "Globals section", "Overridable globals".)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SAM_FUNCTION = "AWS::Serverless::Function"


def objects(value: Any) -> dict[str, Any]:
    """An object; an empty one where it is something else."""
    return value if isinstance(value, dict) else {}


def inner(whole: dict[str, Any], name: str) -> dict[str, Any]:
    """The object of that name, made where there is none."""
    if not isinstance(whole.get(name), dict):
        whole[name] = {}
    found: dict[str, Any] = whole[name]
    return found


def own(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The properties that a function's resource says itself."""
    return objects(objects(data["Resources"].get(name)).get("Properties"))


def usual(data: Mapping[str, Any]) -> dict[str, Any]:
    """Those that all functions of SAM's have."""
    return objects(objects(data.get("Globals")).get("Function"))


def is_sam_function(resource: Any) -> bool:
    """Whether it is a function that `Globals` are for."""
    return objects(resource).get("Type") == SAM_FUNCTION


def property_of(data: Mapping[str, Any], name: str, named: str) -> Any:
    """A property as it comes out; None where it isn't set."""
    shared = usual(data) if is_sam_function(data["Resources"][name]) else {}
    return _merged(shared.get(named), own(data, name).get(named))


def unshare(data: dict[str, Any], named: str) -> None:
    """Say a property in each function, and no longer in `Globals`: nothing comes out otherwise."""
    if named not in usual(data):
        return
    for name, resource in data["Resources"].items():
        if is_sam_function(resource):
            value = property_of(data, name, named)
            inner(resource, "Properties")[named] = json.loads(json.dumps(value))
    del data["Globals"]["Function"][named]
    if not data["Globals"]["Function"]:
        del data["Globals"]["Function"]
    if not data["Globals"]:
        del data["Globals"]


def _merged(shared: Any, mine: Any) -> Any:
    if isinstance(shared, list) and isinstance(mine, list):
        return [*shared, *mine]
    if isinstance(shared, dict) and isinstance(mine, dict):
        return {**shared, **{name: _merged(shared.get(name), one) for name, one in mine.items()}}
    return shared if mine is None else mine
