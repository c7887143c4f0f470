"""Tells which format a file or folder has, and reads it with the adapter for that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from os.path import normpath
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.fields import Field, naming, read_json
from shim.templates.assembly import MANIFEST, read_assembly, read_constructs
from shim.templates.change_set import is_change_set, read_change_set
from shim.templates.cloudformation import read_stacks
from shim.templates.expand import expanded
from shim.templates.function import is_function, read_function
from shim.templates.model import Format
from shim.templates.project import Project, read_inside
from shim.templates.resolve import Given
from shim.templates.sam import is_sam, translate
from shim.templates.serverless import SERVERLESS, read_uploads
from shim.templates.source import Source, check_size, read_source
from shim.templates.stack import Part, Stack, check_template
from shim.templates.terraform import is_terraform, read_plan

if TYPE_CHECKING:
    from pathlib import Path

    from shim.templates.model import Template

_STACKS_LIMIT = 500
_DEPTH_LIMIT = 8


@dataclass(kw_only=True, slots=True)
class Reader:
    """Reads the templates of one project."""

    project: Project
    given: Given = field(default_factory=Given)
    _read: int = 0

    def read_side(self, path: Path) -> Side:
        """See `read_one`."""
        return Side(reader=self, path=path, template=self.read_one(path))

    def read_sides(self, path: Path) -> tuple[Side, Side]:
        """See `read_both`."""
        old, new = (Side(reader=self, path=path, template=one) for one in self.read_both(path))
        return old, new

    def read_one(self, path: Path) -> Template:
        """A format that has one side; `InputError` that names the file and, if it can, the line."""
        sides = self._named(path)
        if len(sides) != 1:
            raise InputError(f"it has both sides of a change in it: `{self.project.name(path)}`")
        return sides[0]

    def read_both(self, path: Path) -> tuple[Template, Template]:
        """A format that has both sides, old and new: a plan or a change set."""
        match self._named(path):
            case (old, new):
                return old, new
            case _:
                raise InputError(
                    f"it has one side of a change: `{self.project.name(path)}`",
                    hint="give both, `shim diff OLD NEW`, or `--git BASE`",
                )

    def _named(self, path: Path) -> tuple[Template, ...]:
        return tuple(replace(one, shown=self._shown) for one in self._sides(path))

    def _shown(self, path: Path) -> str:
        """What people call a file that a template names: without `now/..`, as tools leave it."""
        return normpath(self.project.name(path))

    def _sides(self, path: Path) -> tuple[Template, ...]:
        self._read = 0
        found = self.project.find(path)
        if found is not None and found.is_dir():
            return (self._folder(path),)
        data = read_inside(self.project, path)
        with naming(self.project.name(path)):
            document = _as_json(data)
            if document is None:
                stack = self._stack(path, read_source(self.project.name(path), data), self.given)
                return (read_stacks(self.project.name(path), [self._part(stack)]),)
            if is_terraform(document):
                return read_plan(
                    self.project.name(path), document, partial(self._find, path.parent)
                )
            if is_change_set(document):
                return read_change_set(self.project.name(path), document)
            if is_function(document):
                return (read_function(self.project.name(path), document),)
            stack = self._stack(
                path, _with_lines(self.project.name(path), data, document), self.given
            )
            return (read_stacks(self.project.name(path), [self._part(stack)]),)

    def _folder(self, folder: Path) -> Template:
        if self.project.find(folder / MANIFEST):
            parts = read_assembly(self.project, folder, self.given, self._nested)
            read = read_stacks(self.project.name(folder), parts)
            return replace(read, format=Format.ASSEMBLY)
        path = folder / SERVERLESS
        if self.project.find(path) is None:
            raise InputError(
                f"neither `{MANIFEST}` of `cdk synth` nor `{SERVERLESS}` of `serverless package` is"
                f" in this folder: `{self.project.name(folder)}`",
                hint="name the template's file",
            )
        data = read_inside(self.project, path)
        with naming(self.project.name(path)):
            stack = self._stack(
                path, _with_lines(self.project.name(path), data, read_json(data)), self.given
            )
            stack = replace(stack, uploaded=read_uploads(self.project, folder))
            read = read_stacks(self.project.name(folder), [self._part(stack)])
            return replace(read, format=Format.SERVERLESS)

    def _part(self, stack: Stack) -> Part:
        return Part(stack, self.given, self._nested)

    def _stack(self, path: Path, source: Source, given: Given) -> Stack:
        read = partial(self._document, path.parent)
        source = expanded(source, given, read)
        data = check_template(source.data)
        stack = Stack(
            name=self.project.name(path),
            data=data,
            located=source,
            find=partial(self._find, path.parent),
            read=read,
        )
        if not is_sam(data):
            return stack
        translated = translate(source, given.parameters, region=given.region)
        return replace(stack, data=translated.data, located=translated)

    def _nested(self, stack: Stack, name: str, given: Given) -> Stack | None:
        """The template that a stack names, where it lies in the project."""
        path = stack.find(name)
        if path is None or not path.is_file():
            return None
        self._read += 1
        if self._read > _STACKS_LIMIT or stack.prefix.count("/") > _DEPTH_LIMIT:
            raise InputError(f"too many stacks are nested in it: `{self.project.name(path)}`")
        if path.suffix == ".json":
            data, located = read_constructs(self.project, path, given)
            return Stack(name=self.project.name(path), data=data, located=located,
                         find=partial(self._find, path.parent))  # fmt: skip
        content = read_inside(self.project, path)
        with naming(self.project.name(path)):
            return self._stack(path, read_source(self.project.name(path), content), given)

    def _document(self, folder: Path, name: str) -> Source | None:
        """A definition or a part of a template, in a file of its own."""
        path = self._find(folder, name)
        if path is None or not path.is_file():
            return None
        self._read += 1
        if self._read > _STACKS_LIMIT:
            raise InputError(f"too many files are named in it: `{self.project.name(path)}`")
        content = read_inside(self.project, path)
        with naming(self.project.name(path)):
            return read_source(self.project.name(path), content)

    def _find(self, folder: Path, name: str) -> Path | None:
        return self.project.find(folder / name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One side of a deployment, and where it was read."""

    reader: Reader
    path: Path
    template: Template


def _as_json(data: bytes) -> Field | None:
    """A JSON object; None for all else, which may be YAML."""
    try:
        document = read_json(data)
    except InputError:
        return None
    return document if isinstance(document.value, dict) else None


def _with_lines(file: str, data: bytes, document: Field) -> Source:
    """A JSON template; without lines where YAML doesn't have all that JSON has (`\\ud83d`)."""
    check_size(data)
    try:
        return read_source(file, data)
    except InputError:
        return Source(file=file, data=document.value)
