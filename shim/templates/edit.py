"""Writes into a template's text, and leaves all else in it: comments, order, quotes, line ends.

Whatever is written is read again, and has to come to what was meant: so an anchor that other places
share, or a form that isn't known here, is refused, and never written wrong.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from shim.errors import InputError
from shim.fields import naming
from shim.templates.flow import flow, spelt
from shim.templates.source import dotted, import_yaml, read_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shim.templates.value import Steps

REMOVED = object()
"""The value of what is taken away."""

_BOM = "\ufeff"
_ALIAS = re.compile(r"\s*\*[^\s,\]}]+")

_Node: TypeAlias = Any
"""A node of PyYAML's: it has no types for what libyaml makes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """What shall stand at a path: in place of what is there, or as a new name in what is."""

    path: Steps
    value: Any
    """Plain data, CloudFormation's functions by their long names; or `REMOVED`."""


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def edited(file: str, data: bytes, edits: Sequence[Edit]) -> bytes:
    """The file's bytes with all edits made; `InputError` where one can't be, and nothing is."""
    with naming(file):
        before = read_source(file, data).data
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise InputError("only UTF-8 is written to") from error
        content = text.removeprefix(_BOM)
        after = (_BOM * (content != text) + _Text(content).with_all(edits)).encode()
        try:
            is_meant = read_source(file, after).data == _with_all(before, edits)
        except InputError:
            is_meant = False
        if not is_meant:
            _refuse(edits[0].path, "an anchor or a form around it is in the way")
        return after


def _with_all(data: Any, edits: Iterable[Edit]) -> Any:
    """The same data, shared by nothing, with the edits made."""
    copy = json.loads(json.dumps(data))
    for edit in edits:
        inner = copy
        *path, last = edit.path
        for name in path:
            inner = inner[name]
        value = edit.value
        inner[last] = value if value is REMOVED else json.loads(json.dumps(value))
    return _without_removed(copy)


def _without_removed(data: Any) -> Any:
    """At the end, so that what is in a list keeps its place until then."""
    if isinstance(data, dict):
        pairs = data.items()
        return {name: _without_removed(one) for name, one in pairs if one is not REMOVED}
    if isinstance(data, list):
        return [_without_removed(one) for one in data if one is not REMOVED]
    return data


def _refuse(path: Steps, reason: str) -> NoReturn:
    raise InputError(f"can't be written there, {reason}: `{dotted(path)}`")


class _Text:
    """A document's text, with where each part of it begins and ends."""

    def __init__(self, text: str) -> None:
        yaml = import_yaml()
        self._text = text
        self._root = yaml.compose(text, Loader=yaml.CSafeLoader)
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        # What is JSON stays JSON.
        self._is_json = text.lstrip()[:1] == "{" and _is_json(text)

    def with_all(self, edits: Iterable[Edit]) -> str:
        splices = sorted(map(self._splice, edits), key=lambda one: one.start)
        parts, last = [], 0
        for one in sorted(self._beside(splices), key=lambda one: one.start):
            if one.start < last:
                raise InputError("two changes of one place")
            parts += [self._text[last : one.start], one.text]
            last = one.end
        return "".join([*parts, self._text[last:]])

    def _beside(self, splices: Sequence[_Splice]) -> Iterator[_Splice]:
        """The same; what would come behind a line that goes away comes behind the one before it."""
        gone = [one for one in splices if not one.text]
        for one in splices:
            at = one.start
            for other in reversed(gone if one.start == one.end else ()):
                if other.start <= at < other.end:
                    at = other.start - len(self._line_end)
            yield one if at == one.start else _Splice(at, at, one.text)

    def _splice(self, edit: Edit) -> _Splice:
        *path, last = edit.path
        node = self._root
        for name in path:
            node = self._inside(node, name)
            if node is None:
                _refuse(edit.path, "what it belongs to isn't written out")
        child = self._inside(node, last)
        if edit.value is REMOVED and child is not None:
            return self._removal(node, last)
        if child is not None:
            return self._replacement(edit, child)
        if (
            edit.value is REMOVED
            or not isinstance(last, str)
            or node.id != "mapping"
            or not node.value
        ):
            _refuse(edit.path, "what it belongs to isn't written out")
        return self._insertion(node, f"{self._name(last)}: {self._written(edit.value)}")

    def _inside(self, node: _Node, name: str | int) -> _Node | None:
        if node.id == "mapping":
            return next((value for key, value in node.value if key.value == name), None)
        if node.id == "sequence" and isinstance(name, int) and name < len(node.value):
            return node.value[name]
        return None

    def _replacement(self, edit: Edit, node: _Node) -> _Splice:
        start, end = _start(node), self._end(node)
        if node.id == "scalar" and node.style in {"|", ">"}:
            _refuse(edit.path, "it is a text of several lines")
        if self._has_comment(node):
            _refuse(edit.path, "a comment is in it")
        if node.id != "scalar" and not node.flow_style:
            # On the line of its name, if nothing but space is between.
            bare = self._text[:start].rstrip()
            start = len(bare) if bare.endswith(":") else start
        gap = " " if self._text[:start].endswith(":") else ""
        quote = node.style or None if node.id == "scalar" else None
        return _Splice(start, end, gap + self._written(edit.value, quote=quote))

    def _insertion(self, node: _Node, entry: str) -> _Splice:
        """Behind the last entry of one line, or else behind the last one."""
        ends = list(self._ends(node))
        starts = [key.start_mark for key, _ in node.value]
        is_block = not node.flow_style
        short = [end for start, end in zip(starts, ends, strict=True)
                 if is_block and "\n" not in self._text[start.index : end]]  # fmt: skip
        at = short[-1] if short else ends[-1]
        indent = " " * starts[-1].column
        if is_block:
            at = self._line_end_at(at)
            return _Splice(at, at, f"{self._line_end}{indent}{entry}")
        is_own_line = not self._text[: starts[-1].index].rpartition("\n")[2].strip()
        gap = f"{self._line_end}{indent}" if is_own_line else " "
        return _Splice(at, at, f",{gap}{entry}")

    def _removal(self, node: _Node, name: str | int) -> _Splice:
        """An entry with its line, or with its comma."""
        is_mapping = node.id == "mapping"
        entries = [key for key, _ in node.value] if is_mapping else node.value
        index = [key.value for key in entries].index(name) if is_mapping else int(name)
        starts, ends = list(map(_start, entries)), list(self._ends(node))
        if not node.flow_style:
            start = self._text.rfind("\n", 0, starts[index]) + 1
            return _Splice(start, self._line_end_at(ends[index]) + len(self._line_end), "")
        if index:
            return _Splice(ends[index - 1], ends[index], "")
        return _Splice(starts[0], starts[1] if len(starts) > 1 else ends[0], "")

    def _ends(self, node: _Node) -> Iterator[int]:
        """Of each entry of a list or an object; an alias has the marks of what it stands for."""
        for one in node.value:
            key, value = one if node.id == "mapping" else (None, one)
            alias = key and _ALIAS.match(self._text, key.end_mark.index + 1)
            yield alias.end() if alias else self._end(value)

    def _end(self, node: _Node) -> int:
        if node.id == "scalar" or node.flow_style:
            end: int = node.end_mark.index
            start = _start(node)
            return start + len(self._text[start:end].rstrip())
        *_, end = self._ends(node)
        return end

    def _line_end_at(self, index: int) -> int:
        """Where its line ends, comment and all."""
        end = self._text.find("\n", index)
        end = len(self._text) if end < 0 else end
        return end - (self._text[:end].endswith("\r"))

    def _has_comment(self, node: _Node) -> bool:
        """Whether anything but values has a `#` in it."""
        if node.id == "scalar":
            return False
        spans = sorted((_start(one), one.end_mark.index) for one in _scalars(node))
        last, between = _start(node), []
        for start, end in spans:
            between.append(self._text[last:start])
            last = max(last, end)
        return any("#" in one for one in (*between, self._text[last : self._end(node)]))

    def _name(self, name: str) -> str:
        return json.dumps(name) if self._is_json else spelt(name)

    def _written(self, value: Any, *, quote: str | None = None) -> str:
        return json.dumps(value) if self._is_json else flow(value, quote=quote)


def _start(node: _Node) -> int:
    index: int = node.start_mark.index
    return index


def _scalars(node: _Node) -> Iterator[_Node]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.id == "scalar":
            yield one
        else:
            waiting += (
                [each for pair in one.value for each in pair] if one.id == "mapping" else one.value
            )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
