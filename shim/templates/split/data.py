"""Templates as plain data: the old one, with what a function has after some of its calls."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from shim.errors import InputError
from shim.plan.step import UpdateConfiguration
from shim.templates.edit import REMOVED, Edit
from shim.templates.split.shared import inner, objects, own, property_of, unshare, usual

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.check.state import State
    from shim.package.read import Package
    from shim.templates.split.places import Places
    from shim.templates.split.ways import Passage
    from shim.templates.value import Steps

MADE_LAYER = "AWS::Lambda::LayerVersion"
LAYERS = (MADE_LAYER, "AWS::Serverless::LayerVersion")
CODE = ("Code", "CodeUri", "InlineCode")
"""Where a function's resource says which code it is."""

_SETTINGS = {
    "arch": "Architectures",
    "runtime": "Runtime",
    "handler": "Handler",
    "layers": "Layers",
    "environment": "Environment",
}
"""By a state's field: the property."""

_ASSET = "aws:asset:path"
_SECTIONS = ("Parameters", "Mappings", "Conditions", "Resources")
"""Where a name can stand for something."""

_NAMING = {"Ref", "Fn::GetAtt", "Fn::If", "Fn::FindInMap", "Condition", "DependsOn"}
"""What names something: itself, or by the first of its list."""

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)[.}]")


@dataclass(kw_only=True)
class Stepped:
    """The old template on its way; `old` and `new` are plain data, and stay as they are."""

    old: dict[str, Any]
    new: dict[str, Any]
    places: Places
    data: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """It begins as the old one."""
        self.data = _copy(self.old)

    def move(self, way: Passage, behind: int) -> None:
        """Let the function be what it is with so many deployments of its own behind it."""
        state, begin, wanted = way.state(behind), way.begin, way.wanted
        name = resource_name(way.id)
        if state.package is not begin.package:
            self._code(name, way, state.package)
        for setting, named in _SETTINGS.items():
            value = getattr(state, setting)
            if value == getattr(begin, setting):
                continue
            if value == getattr(wanted, setting):
                self._take(name, named)
            else:
                is_list = setting == "layers"
                self._set(name, named, list(self._layers(name, way, value)) if is_list else value)
        if _is_configured(way, behind):
            self._rest(name)

    def _code(self, name: str, way: Passage, package: Package) -> None:
        """As the new side has it; a bridge lies where that has its code."""
        resource, after = self.data["Resources"][name], self.new["Resources"][name]
        if "Metadata" in after:
            resource["Metadata"] = _copy(after["Metadata"])
        for one in CODE:
            self._take(name, one)
        for one in {*CODE} & self._properties(name).keys():
            code = self._properties(name)[one]
            if package is way.wanted.package:
                self.places.expect(way, code)
                continue
            self._properties(name)[one] = self.places.location(package, code)
            if _ASSET in objects(resource.get("Metadata")):
                resource["Metadata"][_ASSET] = self.places.location(package, None)

    def _rest(self, name: str) -> None:
        """What decides no start comes along with the last configuration."""
        known = {*CODE, *_SETTINGS.values()}
        sides = [each for one in (self.old, self.new) for each in (own(one, name), usual(one))]
        for one in dict.fromkeys(each for side in sides for each in side):
            if one not in known:
                self._take(name, one)

    def _take(self, name: str, named: str) -> None:
        """A property as the new side has it, and what that refers to."""
        value = property_of(self.new, name, named)
        if value != property_of(self.data, name, named):
            self._set(name, named, _copy(value))
        self._bring(value)

    def _set(self, name: str, named: str, value: Any) -> None:
        """None takes it away; what SAM would add to it from elsewhere is said here then."""
        if value is None or isinstance(value, list | dict):
            unshare(self.data, named)
        properties = self._properties(name)
        if value is None:
            properties.pop(named, None)
        else:
            properties[named] = value

    def _bring(self, value: Any) -> None:
        """What only the new side has a name for, and layers as that has them."""
        for name, section in product(sorted(set(_references(value))), _SECTIONS):
            there = objects(self.new.get(section)).get(name)
            mine = objects(self.data.get(section)).get(name)
            is_layer = objects(there).get("Type") in LAYERS
            if there is not None and there != mine and (mine is None or is_layer):
                inner(self.data, section)[name] = _copy(there)
                self._bring(there)

    def _layers(self, name: str, way: Passage, layers: tuple[Package, ...]) -> Iterator[Any]:
        old, new = (
            self._written_layers(side, name, state)
            for side, state in ((self.old, way.begin), (self.new, way.wanted))
        )
        code = next(filter(None, (property_of(self.new, name, one) for one in CODE)), None)
        for number, layer in enumerate(layers):
            if layer in new and layer not in old:
                self._bring(new[layer])
            if layer in old or layer in new:
                yield _copy((new | old)[layer])
                continue
            made = f"ShimBridge{name}{number}"
            content = {"Content": self.places.location(layer, code)}
            self.data["Resources"][made] = {"Type": MADE_LAYER, "Properties": content}
            yield {"Ref": made}

    def _written_layers(self, data: dict[str, Any], name: str, state: State) -> dict[Package, Any]:
        written = property_of(data, name, "Layers") or []
        if not isinstance(written, list) or len(written) != len(state.layers):
            raise InputError(f"its layers aren't written out one by one: `{name}`")
        return dict(zip(state.layers, written, strict=True))

    def _properties(self, name: str) -> dict[str, Any]:
        return inner(self.data["Resources"][name], "Properties")


def resource_name(id: str) -> str:  # noqa: A002 # what it is called everywhere
    """A function's name in its own template."""
    return id.rpartition("/")[2]


def differences(before: Any, after: Any, path: Steps = ()) -> Iterator[Edit]:
    """The least that has to be written, so that nothing else of a text changes."""
    if before == after:
        return
    if _is_object(before) and _is_object(after):
        for name in {**before, **after}:
            yield from _difference(before, after, path, name)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, path=(*path, index))
    else:
        yield Edit(path=path, value=after)


def _difference(
    before: Mapping[str, Any], after: Mapping[str, Any], path: Steps, name: str
) -> Iterator[Edit]:
    if name not in after:
        yield Edit(path=(*path, name), value=REMOVED)
    elif name not in before:
        yield Edit(path=(*path, name), value=after[name])
    else:
        yield from differences(before[name], after[name], (*path, name))


def _is_object(value: Any) -> bool:
    """Whether its names are written one by one: CloudFormation's functions are written whole."""
    if not isinstance(value, dict) or not value:
        return False
    return len(value) > 1 or not next(iter(value)).startswith(("Ref", "Fn::", "Condition"))


def _is_configured(way: Passage, behind: int) -> bool:
    """Whether its last configuration call was made, and one was."""
    calls = [isinstance(step, UpdateConfiguration) for group in way.deployments for step in group]
    made = sum(len(group) for group in way.deployments[:behind])
    return any(calls[:made]) and not any(calls[made:])


def _references(value: Any) -> Iterator[str]:
    """The names that a value refers to."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name in _NAMING:
                first = one[:1] if isinstance(one, list) and name != "DependsOn" else one
                yield from (each for each in _listed(first) if isinstance(each, str))
            if name == "Fn::Sub":
                yield from _VARIABLE.findall(str(_listed(one)[0]))
    for one in value.values() if isinstance(value, dict) else _listed(value):
        if isinstance(one, dict | list):
            yield from _references(one)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _copy(value: Any) -> Any:
    """The same, shared by nothing."""
    return json.loads(json.dumps(value))
