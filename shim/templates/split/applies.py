"""Terraform's applies: what has to be set in each, as far as a plan says it.

A plan has no source, so nothing of the user's is written: what is here is HCL to be taken over.
Values of the environment stay out of it, many of them are secrets.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from shim.plan.wording import brief

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shim.package.read import Package
    from shim.templates.split.ways import Passage

_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def write_applies(ways: Sequence[Passage], count: int, folder: Path) -> Iterator[tuple[int, str]]:
    """A file for each; gives its number and name."""
    for number in range(1, count + 1):
        name = f"{number}-apply.hcl"
        (folder / name).write_text("\n".join(_apply(ways, number, count)) + "\n", "utf-8")
        yield number, name


def _apply(ways: Sequence[Passage], number: int, count: int) -> Iterator[str]:
    if number == count:
        yield f"# Apply {number} of {count}: the new configuration, as it is."
        return
    yield f"# Apply {number} of {count}: the new configuration, but with this in it."
    for way in ways:
        behind = way.behind(number, count)
        calls = way.deployments[behind - 1] if behind else ()
        yield ""
        yield f"# {way.id}: {', then '.join(map(brief, calls)) or 'as it was'}"
        yield from _resource(way, behind)


def _resource(way: Passage, behind: int) -> Iterator[str]:
    lines = list(_attributes(way, behind))
    if not lines:
        yield "# as the new configuration has it"
        return
    label = _NAME.sub("_", way.id.rpartition(".")[2])
    yield from _layer_resources(way, behind, label)
    yield f'resource "aws_lambda_function" "{label}" {{'
    yield from (f"  {line}" for line in lines)
    yield "}"


def _attributes(way: Passage, behind: int) -> Iterator[str]:
    """Each that is other than in the new configuration."""
    state, begin, wanted = way.state(behind), way.begin, way.wanted
    if state.package is not wanted.package:
        yield from _code(way, state.package, is_old=state.package is begin.package)
    if state.arch is not wanted.arch:
        yield f"architectures = {_hcl([state.arch])}"
    if state.runtime is not wanted.runtime:
        yield f"runtime = {_hcl(state.runtime.name)}"
    if state.handler != wanted.handler:
        yield f"handler = {_hcl(state.handler)}"
    if state.layers != wanted.layers:
        yield from _layers(way, behind)
    if state.environment != wanted.environment:
        yield "# environment: as it was before this change"


def _code(way: Passage, package: Package, *, is_old: bool) -> Iterator[str]:
    if not is_old:
        file = _hcl(Path(package.path).name)
        yield f"filename = {file}"
        yield f"source_code_hash = filebase64sha256({file})"
        return
    before = way.deployed.pair.old.code.content
    key = {name: before[name] for name in ("s3_bucket", "s3_key") if isinstance(before[name], str)}
    for name, value in key.items():
        yield f"{name} = {_hcl(value)}"
    if not key:
        yield "# filename and source_code_hash: as they were before this change"


def _layers(way: Passage, behind: int) -> Iterator[str]:
    """By their ARNs; a bridge by what it is made as."""
    words = [_layer(way, one) for one in way.state(behind).layers]
    if None in words:
        yield "# layers: as they were before this change"
    else:
        yield f"layers = [{', '.join(filter(None, words))}]"


def _layer(way: Passage, package: Package) -> str | None:
    if package in way.bridged.bridges:
        return f"aws_lambda_layer_version.{_label(package)}.arn"
    pair = way.deployed.pair
    for function, state in ((pair.old, way.begin), (pair.new, way.wanted)):
        content = function.layers.content
        if package in state.layers and isinstance(content, list):
            arn = content[state.layers.index(package)]
            return _hcl(arn) if isinstance(arn, str) else None
    return None


def _layer_resources(way: Passage, behind: int, label: str) -> Iterator[str]:
    for package in _of(way.state(behind).layers, way.bridged.bridges):
        name = _label(package)
        yield f'resource "aws_lambda_layer_version" "{name}" {{'
        yield f"  layer_name = {_hcl(f'{label}-bridge')}"
        yield f"  filename = {_hcl(Path(package.path).name)}"
        yield "}"


def _of(layers: Iterable[Package], bridges: Iterable[Package]) -> list[Package]:
    known = set(bridges)
    return [one for one in layers if one in known]


def _label(package: Package) -> str:
    return _NAME.sub("_", Path(package.path).stem)


def _hcl(value: object) -> str:
    """JSON's values are HCL's, but for what begins a template in a text."""
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")
