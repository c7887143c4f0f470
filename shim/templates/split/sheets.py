"""The templates that a deployment is made of: one, or in `cdk.out` one for each stack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shim.errors import InputError
from shim.templates.assembly import stack_files
from shim.templates.edit import edited
from shim.templates.model import Format
from shim.templates.project import Folder, read_inside
from shim.templates.serverless import SERVERLESS
from shim.templates.source import read_source
from shim.templates.split.check import Joined, check_step
from shim.templates.split.data import Stepped, differences, resource_name
from shim.templates.split.paths import Paths
from shim.templates.stack import check_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from shim.package.packages import Packages
    from shim.templates.model import Template
    from shim.templates.read import Side
    from shim.templates.split.places import Places
    from shim.templates.split.ways import Passage


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """One side of a template, as it lies there."""

    name: str
    path: Path
    data: bytes
    content: dict[str, Any]
    """As plain data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """Both sides of one template, and the functions in it that need several deployments."""

    prefix: str
    """Of the functions' ids."""
    old: File
    new: File
    ways: tuple[Passage, ...]


def sheets_of(old: Side, new: Side, ways: Sequence[Passage]) -> tuple[Sheet, ...]:
    """Those with functions that need several; `InputError` where one of these is in no template."""
    before, after = dict(_files(old)), dict(_files(new))
    sheets = [
        Sheet(
            prefix=prefix,
            old=before[prefix],
            new=after[prefix],
            ways=tuple(one for one in ways if one.id.rpartition("/")[0] == prefix),
        )
        for prefix in after
        if prefix in before
    ]
    written = {way.id for sheet in sheets for way in sheet.ways if _is_written(sheet, way)}
    for way in ways:
        if way.id not in written:
            raise InputError(
                "it can't be split, it isn't written out in its template, or that is one nested in"
                f" another: `{way.id}`",
                hint="compare the nested templates themselves",
            )
        if way.deployed.pair.old.id != way.id:
            raise InputError(f"it can't be split, it gets another logical id: `{way.id}`")
    return tuple(one for one in sheets if one.ways)


def _is_written(sheet: Sheet, way: Passage) -> bool:
    """Whether both sides have it by its name; a loop may make it, too."""
    name = resource_name(way.id)
    return all(name in one.content["Resources"] for one in (sheet.old, sheet.new))


def _files(side: Side) -> Iterator[tuple[str, File]]:
    """The templates by the prefix of their functions' ids."""
    project = side.reader.project
    match side.template.format:
        case Format.TEMPLATE:
            paths = [("", side.path)]
        case Format.SERVERLESS:
            paths = [("", side.path / SERVERLESS)]
        case Format.ASSEMBLY:
            paths = list(stack_files(project, side.path))
        case _:
            raise InputError(
                f"{side.template.format} has no template in it to be split: `{side.template.name}`",
                hint="give both sides as templates: `shim diff OLD NEW --split FOLDER`",
            )
    for prefix, path in paths:
        name, data = project.name(path), read_inside(project, path)
        content = check_template(read_source(name, data).data)
        yield prefix, File(name=name, path=path, data=data, content=content)


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """Makes the templates of one sheet."""

    sheet: Sheet
    sides: tuple[Side, Side]
    count: int
    """Of deployments in all."""
    target: Path
    """The split's folder."""
    temporary: Path
    """Where it lies until it is finished."""
    places: Places

    def write(self) -> Iterator[tuple[int, str]]:
        """Each file's number and name; a deployment that changes nothing here has none."""
        files = (self.sheet.old, self.sheet.new)
        paths = tuple(map(self._paths, self.sides, files))
        before = self._read(self.sides[0], self.sheet.old.path)
        for number in range(1, self.count + 1):
            moved = {
                resource_name(one.id): (one, one.behind(number, self.count))
                for one in self.sheet.ways
            }
            if not any(behind for _, behind in moved.values()):
                continue
            name = f"{number}-{self.sheet.new.path.name}"
            is_last = number == self.count
            data = self.sheet.new.data if is_last else self._stepped(paths, moved.values())
            path = self.temporary / name
            path.write_bytes(data)
            # The last one's paths are meant from where the new template lies.
            after = self._read(self.sides[1], self.sheet.new.path if is_last else path)
            check_step(before, after, moved, self._packages, is_last=is_last)
            before = after
            yield number, name

    def _stepped(self, paths: tuple[Paths, ...], moved: Iterable[tuple[Passage, int]]) -> bytes:
        files = (self.sheet.old, self.sheet.new)
        old, new = (one.renamed(file.content) for one, file in zip(paths, files, strict=True))
        stepped = Stepped(old=old, new=new, places=self.places)
        for way, behind in moved:
            if behind:
                stepped.move(way, behind)
        for one in paths:
            one.copy(stepped.data, self.temporary)
        file = self.sheet.old
        edits = list(differences(file.content, stepped.data))
        return edited(file.name, file.data, edits)

    @property
    def _packages(self) -> Packages:
        return self.sheet.ways[0].deployed.judge.packages

    def _paths(self, side: Side, file: File) -> Paths:
        return Paths(project=side.reader.project, folder=file.path.parent, target=self.target)

    def _read(self, side: Side, path: Path) -> Template:
        own = Folder(root=self.temporary)
        projects = (own, *(one.reader.project for one in self.sides))
        return replace(side.reader, project=Joined(projects=projects)).read_one(path)
