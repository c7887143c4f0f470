"""What `cdk synth` leaves: stacks, nested ones and assets, each part by its construct's path."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from shim.fields import Field, naming, read_json
from shim.templates.expand import expanded
from shim.templates.project import read_inside
from shim.templates.source import Source, check_size, dotted
from shim.templates.stack import Part, Stack, check_template
from shim.templates.value import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shim.templates.project import Project
    from shim.templates.resolve import Given

MANIFEST = "manifest.json"
_STACK, _ASSEMBLY = "aws:cloudformation:stack", "cdk:cloud-assembly"
_ENVIRONMENT = re.compile(r"aws://(\d{12}|unknown-account)/([a-z0-9-]+)")
_DEPTH_LIMIT = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Constructs:
    """Where a part of a synthesised template comes from."""

    file: str
    data: dict[str, Any]

    def place(self, path: tuple[str | int, ...]) -> Place:
        """The construct's path, as CDK notes it, and the property."""
        match path:
            case ["Resources", str(name), *rest]:
                resource = self.data["Resources"].get(name)
                metadata = resource.get("Metadata") if isinstance(resource, dict) else None
                construct = metadata.get("aws:cdk:path") if isinstance(metadata, dict) else None
                inside = dotted(one for one in rest if one != "Properties")
                if isinstance(construct, str):
                    return Place(file=self.file, path=f"{construct} {inside}".rstrip())
            case _:
                pass
        return Place(file=self.file, path=dotted(path))


def read_constructs(
    project: Project, path: Path, given: Given
) -> tuple[dict[str, Any], Constructs]:
    """A synthesised template; `InputError` that names it."""
    data = read_inside(project, path)
    with naming(project.name(path)):
        check_size(data)
        source = Source(file=project.name(path), data=read_json(data).value)
        template = check_template(expanded(source, given, lambda _path: None).data)
    return template, Constructs(file=project.name(path), data=template)


def read_assembly(
    project: Project,
    folder: Path,
    given: Given,
    nested: Callable[[Stack, str, Given], Stack | None],
) -> list[Part]:
    """The stacks of `cdk.out`, with what they export to each other."""
    stacks = list(_stacks(project, folder, given))
    exports = {
        str(content["Export"]["Name"]): content.get("Value")
        for stack, own in stacks
        for _, content in Part(stack, own, nested).outputs()
        if isinstance(content.get("Export"), dict) and "Name" in content["Export"]
    }
    return [Part(stack, replace(own, exports=exports), nested) for stack, own in stacks]


def stack_files(project: Project, folder: Path) -> Iterator[tuple[str, Path]]:
    """Every stack's name, and its template's file."""
    return ((name, path) for name, _, path in _artifacts(project, folder, depth=0))


def _stacks(project: Project, folder: Path, given: Given) -> Iterator[tuple[Stack, Given]]:
    for name, one, path in _artifacts(project, folder, depth=0):
        own = _given(one, given, name)
        template, located = read_constructs(project, path, own)
        stack = Stack(
            name=name,
            data=template,
            located=located,
            find=partial(_find, project, path.parent),
            prefix=f"{name}/",
        )
        yield stack, own


def _find(project: Project, folder: Path, path: str) -> Path | None:
    return project.find(folder / path)


def _artifacts(project: Project, folder: Path, *, depth: int) -> Iterator[tuple[str, Field, Path]]:
    """Every stack's name, what the manifest says of it, and its template's file."""
    manifest = folder / MANIFEST
    data = read_inside(project, manifest)
    with naming(project.name(manifest)):
        artifacts = read_json(data)["artifacts"]
        named = [(name, artifacts[name]) for name in artifacts.names()]
        kinds = [(name, one, one["type"].text()) for name, one in named]
    for name, one, kind in kinds:
        with naming(project.name(manifest)):
            file = _file(one, kind)
        if kind == _STACK and file:
            yield name, one, folder / file
        if kind == _ASSEMBLY and file and depth < _DEPTH_LIMIT:
            yield from _artifacts(project, folder / file, depth=depth + 1)


def _file(artifact: Field, kind: str) -> str | None:
    names = {_STACK: "templateFile", _ASSEMBLY: "directoryName"}
    if kind not in names or not artifact.has("properties"):
        return None
    properties = artifact["properties"]
    return properties[names[kind]].text() if properties.has(names[kind]) else None


def _given(artifact: Field, given: Given, name: str) -> Given:
    """The stack's account and region, where CDK knows them and the user doesn't say others."""
    found = None
    if artifact.has("environment"):
        found = _ENVIRONMENT.fullmatch(artifact["environment"].text())
    account, region = found.groups() if found else ("unknown-account", "unknown-region")
    return replace(
        given,
        account=given.account or (account if account.isdecimal() else None),
        region=given.region or (None if region == "unknown-region" else region),
        stack=name,
    )
