"""What a split's files say, read by other means than shim's; and what comes of deploying them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from itertools import pairwise, permutations
from random import Random
from typing import TYPE_CHECKING, Any

import yaml

from shim.arch import Arch
from shim.aws.api import LATEST, Configuration
from shim.check.runtimes import read_runtimes
from shim.package.read import Package, read_package
from shim.simulate.control import ControlPlane
from shim.simulate.timeline import Timeline
from shim.simulate.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.state import State
    from shim.templates.split.split import Split
    from tests.templates.split.pairs import Case, World, Written

LINE = re.compile(r"^  (?:# )?(\w+)(?: = |.*: as )(.*)$", re.MULTILINE)
"""An attribute, or what is said of one: `# filename and …: as they were …`."""

QUICK = Timing(call=(0.0, 0.0), update=(1.0, 1.0), publish=(1.0, 1.0))
ORDERS = {"terraform": [("configuration", "code")]}
EITHER = list(permutations(("code", "configuration")))


class Loader(yaml.CSafeLoader):
    """Takes CloudFormation's short tags, spelt out."""


def _tag(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if suffix == "GetAtt":
        return {"Fn::GetAtt": str(node.value).split(".")}
    assert isinstance(node, yaml.ScalarNode)
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": loader.construct_scalar(node)}


Loader.add_multi_constructor("!", _tag)


@dataclass(kw_only=True)
class Deployed:
    """A split's deployments as states of each function, by what their files say."""

    world: World
    written: Written
    done: Split
    _read: dict[str, Package] = field(default_factory=dict)

    def states(self, case: Case) -> list[State]:
        """What the function is before the first, and after each."""
        last = case.begin
        found = [last]
        for deployment in self.done.deployments:
            for name in deployment.files:
                text = (self.done.folder / name).read_text()
                last = (
                    self._applied(text, case)
                    if self.written.form == "terraform"
                    else self._state(yaml.load(text, Loader), case)  # noqa: S506 # a safe one
                )
            found.append(last)
        if not self.done.deployments:
            found.append(case.wanted)
        return found

    def _state(self, data: dict[str, Any], case: Case) -> State:
        properties = data["Resources"][case.name]["Properties"]
        code = properties.get("Code", properties.get("CodeUri"))
        layers = [
            self._file(data["Resources"][one["Ref"]]["Properties"]["Content"])
            if isinstance(one, dict)
            else self.world.layers[one]
            for one in properties.get("Layers", [])
        ]
        return replace(
            case.begin,
            package=self._file(code),
            arch=Arch(properties["Architectures"][0]),
            runtime=read_runtimes()[properties["Runtime"]],
            handler=properties["Handler"],
            layers=tuple(layers),
        )

    def _applied(self, text: str, case: Case) -> State:
        """The new configuration, with what the apply's HCL says."""
        resources = {
            f"{kind}.{name}": dict(
                re.findall(r"^  (?:# )?(\w+)(?: = |.*: as )(.*)$", body, re.MULTILINE)
            )
            for kind, name, body in re.findall(
                r'^resource "(\w+)" "([^"]+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL
            )
        }
        found = resources.get(f"aws_lambda_function.{case.name}", {})
        state = case.wanted
        if "filename" in found:
            is_old = found["filename"].startswith("they were")
            package = case.begin.package if is_old else self._file(json.loads(found["filename"]))
            state = replace(state, package=package)
        if "architectures" in found:
            state = replace(state, arch=Arch(json.loads(found["architectures"])[0]))
        if "runtime" in found:
            state = replace(state, runtime=read_runtimes()[json.loads(found["runtime"])])
        if "handler" in found:
            state = replace(state, handler=json.loads(found["handler"]))
        if "layers" in found:
            words = [one for one in found["layers"].strip("[]").split(", ") if one]
            state = replace(state, layers=tuple(self._layer(one, resources) for one in words))
        return state

    def _layer(self, word: str, resources: dict[str, dict[str, str]]) -> Package:
        if word.startswith('"'):
            return self.world.layers[json.loads(word)]
        return self._file(json.loads(resources[word.removesuffix(".arn")]["filename"]))

    def _file(self, code: Any) -> Package:
        """By where it is said to lie: what was there before, or a bridge."""
        key = json.dumps(code)
        if key in self.written.known:
            return self.written.known[key]
        uploads = {one.key: one.file for one in self.done.uploads}
        name = uploads[code["S3Key"]] if isinstance(code, dict) else code
        path = (self.done.folder / name).resolve()
        # From the split's folder the same path has one part more.
        if f'"{name.removeprefix("../")}"' in self.written.known:
            return self.written.known[f'"{name.removeprefix("../")}"']
        if name not in self._read:
            self._read[name] = read_package(path)
        return self._read[name]


def walk(world: World, states: list[State], form: str) -> Iterator[State]:
    """Every state that a control plane shows, whatever order the tool chooses for its calls."""
    for order in ORDERS.get(form, EITHER):
        clock = Timeline()
        plane = ControlPlane(clock, Random(1), timing=QUICK)
        plane.create(states[0], world.zip(states[0].package), layers=_arns(plane, world, states[0]))
        yield states[0]
        for before, after in pairwise(states):
            for call in order:
                if call in calls(before, after):
                    _send(plane, after, call, world)
                    clock.sleep(2)
                    yield plane.machines.newest_state(LATEST)
        assert plane.machines.newest_state(LATEST) == states[-1], "the end is another"


def calls(before: State, after: State) -> set[str]:
    """Those that it takes."""
    code = (before.package, before.arch) != (after.package, after.arch)
    settings = [(one.runtime, one.handler, one.layers) for one in (before, after)]
    return {
        name
        for name, is_made in (("code", code), ("configuration", settings[0] != settings[1]))
        if is_made
    }


def _send(plane: ControlPlane, after: State, call: str, world: World) -> None:
    revision = plane.get_function(plane.name).revision
    if call == "code":
        zipped = world.zip(after.package)
        plane.add_package(zipped, after.package)
        plane.update_code(plane.name, zipped, arch=after.arch, revision=revision)
        return
    change = Configuration(
        runtime=after.runtime.name, handler=after.handler, layers=_arns(plane, world, after)
    )
    plane.update_configuration(plane.name, change, revision=revision)


def _arns(plane: ControlPlane, world: World, state: State) -> tuple[str, ...]:
    arns = []
    for layer in state.layers:
        arns.append(f"arn:{layer.path}")
        plane.add_layer(arns[-1], world.zip(layer), layer)
    return tuple(arns)
