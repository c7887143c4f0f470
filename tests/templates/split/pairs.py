"""Deployments made up by chance: functions with real packages, in each format that can be split."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.verdicts import Verdicts
from shim.deploy.executor import read_zip
from shim.package.read import Package, read_package
from tests.plan.builders import zipped
from tests.plan.test_bridge_pairs import LAYER_SETS, LAYERS, PACKAGES

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from shim.aws.api import Zip

RUNTIMES = ("go1.x", "provided.al2", "provided.al2023")
HANDLERS = ("main", "bin/other", "bootstrap")
FORMS = ("yaml", "json", "sam", "cdk", "serverless", "terraform")
SERVERLESS = "cloudformation-template-update-stack.json"
ARN = "arn:aws:lambda:eu-west-1:1:layer:{}:1"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One function's change; what is absent is there, but nobody tells where."""

    name: str
    begin: State
    wanted: State
    memory: tuple[int, int]
    is_absent: bool
    """Whether the old package isn't at hand."""


class World:
    """Packages and layers, each once, and every state of them that starts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "packages").mkdir()
        self.packages = {
            name: read_package(zipped(folder / f"packages/{name}.zip", files))
            for name, files in (PACKAGES | LAYERS).items()
        }
        self.layers = {ARN.format(name): self.packages[name] for name in LAYERS}
        self.names = {package: name for name, package in self.packages.items()}
        self.verdicts = Verdicts()
        self._zips: dict[Package, Zip] = {}
        self.own: dict[str, Package] = {}
        """Bridges that a search of the tests has built."""
        runtimes = read_runtimes()
        self.states = [
            State(
                package=self.packages[name],
                arch=arch,
                runtime=runtimes[runtime],
                handler=handler,
                layers=tuple(self.packages[one] for one in layers),
            )
            for name, arch, runtime, handler, layers in product(
                PACKAGES, Arch, RUNTIMES, HANDLERS, LAYER_SETS
            )
            if arch in runtimes[runtime].architectures
        ]
        self.starting = [one for one in self.states if self.verdicts.verdict(one).starts]

    def zip(self, package: Package) -> Zip:
        """As it is sent."""
        if package not in self._zips:
            self._zips[package] = read_zip(package)
        return self._zips[package]

    def case(self, chance: Random, name: str) -> Case:
        """A change between states that start, mostly."""
        begin, wanted = (
            chance.choice(self.starting if chance.random() < 0.97 else self.states)
            for _ in range(2)
        )
        # Nothing can be moved to go1.x any more: of that there is little to be seen.
        while wanted.runtime is not begin.runtime and wanted.runtime.name == "go1.x":
            wanted = chance.choice(self.starting)
        memory = chance.choice([(128, 128), (128, 256)])
        return Case(
            name=name, begin=begin, wanted=wanted, memory=memory, is_absent=chance.random() < 0.1
        )

    def is_said(self, case: Case, form: str) -> bool:
        """Whether it can be known what the old code is: not if both sides name one path."""
        is_hashed = form == "terraform"
        is_same = case.begin.package is case.wanted.package
        return not case.is_absent and (is_hashed or not is_same)


@dataclass(frozen=True, kw_only=True)
class Written:
    """Both sides on disk, and which package each code and layer there really is."""

    form: str
    folder: Path
    old: str
    new: str
    known: dict[str, Package]
    """By path or key, as it is written."""


def write(world: World, cases: list[Case], form: str, folder: Path, chance: Random) -> Written:
    """The change as a deployment of that form."""
    folder.mkdir(parents=True)
    known: dict[str, Package] = {}
    if form == "terraform":
        _write_plan(world, cases, folder, known)
        return Written(form=form, folder=folder, old="plan.json", new="plan.json", known=known)
    order = chance.sample(range(8), 8)
    names = {"yaml": "{}.yaml", "sam": "{}.yaml", "json": "{}.json"}
    sides = []
    for number, side in enumerate(("old", "new")):
        resources = {
            one.name: _resource(world, one, number, form, folder / side, known, order)
            for one in cases
        }
        sides.append(names.get(form, "{}").format(side))
        _write_side(form, folder, sides[-1], resources, chance)
    return Written(form=form, folder=folder, old=sides[0], new=sides[1], known=known)


def _resource(
    world: World,
    case: Case,
    number: int,
    form: str,
    folder: Path,
    known: dict[str, Package],
    order: list[int],
) -> dict[str, Any]:
    state = (case.begin, case.wanted)[number]
    name = world.names[state.package]
    path = f"../../packages/{name}.zip"
    if case.is_absent and not number:
        path = f"../../gone/{case.name}-{name}.zip"
    code: Any = path
    whole: dict[str, Any] = {"Type": "AWS::Lambda::Function", "Properties": {}}
    if form in {"cdk", "serverless"}:
        file = path.rpartition("/")[2]
        code = {"S3Bucket": {"Fn::Sub": "b-${AWS::Region}"}, "S3Key": f"{folder.name}/{file}"}
        folder.mkdir(exist_ok=True)
        if form == "serverless" and "gone" not in path and not (folder / file).exists():
            os.link(world.folder / f"packages/{file}", folder / file)
        if form == "cdk":
            whole["Metadata"] = {"aws:asset:path": f"../{path}", "aws:asset:property": "Code"}
    known[json.dumps(code)] = state.package
    if form == "sam":
        whole["Type"] = "AWS::Serverless::Function"
    pairs = [
        ("CodeUri" if form == "sam" else "Code", code),
        ("Runtime", state.runtime.name),
        ("Handler", state.handler),
        ("Architectures", [state.arch.value]),
        ("Layers", [ARN.format(world.names[one]) for one in state.layers]),
        ("MemorySize", case.memory[number]),
        ("Role", {"Fn::GetAtt": ["Role", "Arn"]}),
        ("Description", 'of the shop: "all" of it, and it\'s long'),
    ]
    whole["Properties"] = {pairs[one][0]: pairs[one][1] for one in order if pairs[one][1] != []}
    return whole


def _write_side(
    form: str, folder: Path, name: str, resources: dict[str, Any], chance: Random
) -> None:
    whole = {"Role": {"Type": "AWS::IAM::Role", "Properties": {}}, **resources}
    data = {"Description": "made up", "Resources": whole}
    match form:
        case "json":
            (folder / name).write_text(json.dumps(data, indent=chance.choice([None, 1, 2, 4])))
        case "cdk":
            stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "A.json"}}
            (folder / name / "manifest.json").write_text(json.dumps({"artifacts": {"A": stack}}))
            (folder / name / "A.json").write_text(json.dumps(data, indent=1))
        case "serverless":
            (folder / name / SERVERLESS).write_text(json.dumps(data, indent=2))
        case _:
            head = ["Transform: AWS::Serverless-2016-10-31"] if form == "sam" else []
            lines = ["# a template", *head, *_lines(data, "", chance)]
            (folder / name).write_text("\n".join(lines) + chance.choice(["", "\n", "\n\n# end\n"]))


def _lines(data: dict[str, Any], indent: str, chance: Random) -> list[str]:
    """YAML with comments, quotes, and lists and objects of either style."""
    lines = []
    for name, value in data.items():
        note = chance.choice(["", "", f" # {name} of it"])
        if isinstance(value, dict) and "Fn::GetAtt" in value:
            lines.append(f"{indent}{name}: !GetAtt {'.'.join(value['Fn::GetAtt'])}{note}")
        elif isinstance(value, dict) and value and (len(value) > 1 or indent == ""):
            lines += [f"{indent}{name}:{note}", *_lines(value, f"{indent}  ", chance)]
        elif isinstance(value, list) and chance.random() < 0.5:
            lines += [f"{indent}{name}:{note}", *(f"{indent}  - {one}" for one in value)]
        elif isinstance(value, str) and chance.random() < 0.5 and "'" not in value:
            lines.append(f"{indent}{name}: '{value}'{note}")
        else:
            lines.append(f"{indent}{name}: {json.dumps(value)}{note}")
        lines += chance.choice([[], [], [""], [f"{indent}# next"]])
    return lines


def _write_plan(world: World, cases: list[Case], folder: Path, known: dict[str, Package]) -> None:
    changes = []
    for case in cases:
        sides = []
        for number, state in enumerate((case.begin, case.wanted)):
            name = world.names[state.package]
            file = f"../../packages/{name}.zip"
            if case.is_absent and not number:
                file = f"../../gone/{name}.zip"
            digest = sha256((world.folder / f"packages/{name}.zip").read_bytes()).digest()
            known[json.dumps([case.name, number])] = state.package
            known[json.dumps(file)] = state.package
            sides.append({
                "function_name": case.name, "runtime": state.runtime.name,
                "handler": state.handler, "architectures": [state.arch.value],
                "layers": [ARN.format(world.names[one]) for one in state.layers],
                "filename": file, "source_code_hash": b64encode(digest).decode(),
                "memory_size": case.memory[number],
            })  # fmt: skip
        changes.append({
            "address": f"aws_lambda_function.{case.name}", "type": "aws_lambda_function",
            "change": {"before": sides[0], "after": sides[1], "after_unknown": {}},
        })  # fmt: skip
    plan = {"format_version": "1.2", "resource_changes": changes}
    (folder / "plan.json").write_text(json.dumps(plan))
