"""Puts into a template what it stands for: its loops carried out, and the files that it includes.

Every part keeps its line. (AWS CloudFormation template reference, `Fn::ForEach`, `AWS::Include`.)
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shim.errors import InputError
from shim.templates.functions import first_unknown, plain
from shim.templates.resolve import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.templates.resolve import Given
    from shim.templates.source import Mark, Source

_LOOP = "Fn::ForEach"
_INCLUDE = "AWS::Include"
_WORK_LIMIT = 100_000
_LETTERS = 64
"""Values that are made of one template, and letters of a text that count as one of them."""

_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Za-z]")


def expanded(source: Source, given: Given, read: Callable[[str], Source | None]) -> Source:
    """The template as CloudFormation sees it then; `InputError` where a loop's list isn't known.

    `read` gives a file of the project; None for what isn't in there.
    """
    asks = not source.lines or any(_LOOP in line or _INCLUDE in line for line in source.lines)
    if not asks or not isinstance(source.data, dict):
        return source
    data, mark = _Expander(Scope(source.data, given), read).walk(source.data, source.mark, {})
    return replace(source, data=data, mark=mark)


class _Expander:
    def __init__(self, scope: Scope, read: Callable[[str], Source | None]) -> None:
        self._scope = scope
        self._read = read
        self._work = 0

    def walk(
        self, value: Any, mark: Mark | None, names: Mapping[str, str]
    ) -> tuple[Any, Mark | None]:
        """A value with all in it expanded; `names` are what the loops around it stand at."""
        self._count(1)
        if isinstance(value, list):
            parts = [self.walk(one, _at(mark, at), names) for at, one in enumerate(value)]
            return [one for one, _ in parts], _marked(mark, dict(enumerate(at for _, at in parts)))
        if not isinstance(value, dict):
            return value, mark
        named = self._named(value, names)
        if named is not None:
            return named, mark
        result: dict[str, Any] = {}
        marks: dict[str | int, Mark | None] = {}
        for name, one in value.items():
            for key, inner, at in self._entries(name, one, _at(mark, name), names):
                if key in result:
                    raise InputError(f"{_line(at)}a name comes to stand here twice: {key!r}")
                result[key], marks[key] = inner, at
        return result, _marked(mark, marks)

    def _entries(
        self, name: str, value: Any, mark: Mark | None, names: Mapping[str, str]
    ) -> Iterator[tuple[str, Any, Mark | None]]:
        """What stands in an object in the place of one of its names."""
        if name.startswith(_LOOP):
            yield from self._looped(name, value, mark, names)
            return
        included = self._included(name, value)
        if included is not None:
            for key, one in included.data.items():
                at = _at(included.mark, key)
                yield key, one, replace(at, source=included) if at else None
            return
        inner, at = self.walk(value, mark, names)
        yield self._replaced(name, names), inner, at

    def _looped(
        self, name: str, value: Any, mark: Mark | None, names: Mapping[str, str]
    ) -> Iterator[tuple[str, Any, Mark | None]]:
        match value:
            case [str(own), collection, dict(body)]:
                pass
            case _:
                raise InputError(f"{_line(mark)}not of a form that CloudFormation takes: `{name}`")
        for one in self._items(name, collection, mark, names):
            inner, at = self.walk(body, _at(mark, 2), {**names, own: one})
            for key, each in inner.items():
                yield key, each, _at(at, key)

    def _items(
        self, name: str, collection: Any, mark: Mark | None, names: Mapping[str, str]
    ) -> list[str]:
        """What a loop goes through."""
        value, _ = self.walk(collection, None, names)
        found = self._scope.resolve(value)
        texts = [plain(one) for one in found] if isinstance(found, list) else [found]
        if isinstance(found, list) and all(isinstance(one, str) for one in texts):
            return texts
        unknown = first_unknown(found)
        reason = f", {unknown.reason}" if unknown else ""
        raise InputError(
            f"{_line(mark)}what the loop goes through isn't known{reason}: `{name}`",
            hint="give the parameter's value: `--parameter NAME=a,b`",
        )

    def _included(self, name: str, value: Any) -> Source | None:
        """The file of the project that a transform includes."""
        match value:
            case {"Name": str(kind), "Parameters": {"Location": str(location)}} if kind == _INCLUDE:
                pass
            case _:
                return None
        source = self._read(location) if name in {"Fn::Transform", "Transform"} else None
        return source if source and isinstance(source.data, dict) else None

    def _named(self, value: dict[str, Any], names: Mapping[str, str]) -> Any:
        """What a reference to a loop's name comes to, or a text with some in it; else None."""
        match value:
            case {"Ref": str(name)} if len(value) == 1:
                return names.get(name)
            case {"Fn::Sub": str(text)} if len(value) == 1:
                replaced = self._replaced(text, names)
                # CloudFormation takes texts alone where a resource is named.
                is_whole = replaced != text and "${" not in replaced
                return replaced if is_whole else {"Fn::Sub": replaced}
            case {"Fn::Sub": [str(text), dict(own)]} if len(value) == 1:
                inner, _ = self.walk(own, None, names)
                return {"Fn::Sub": [self._replaced(text, names), inner]}
            case _:
                return None

    def _replaced(self, text: str, names: Mapping[str, str]) -> str:
        for name, value in names.items():
            text = text.replace(f"${{{name}}}", value)
            text = text.replace(f"&{{{name}}}", _NOT_ALPHANUMERIC.sub("", value))
        self._count(len(text) // _LETTERS)
        return text

    def _count(self, work: int) -> None:
        self._work += work
        if self._work > _WORK_LIMIT:
            raise InputError("its loops make too much of it to be looked through")


def _at(mark: Mark | None, name: str | int) -> Mark | None:
    return mark.inside.get(name, mark) if mark else None


def _marked(mark: Mark | None, inside: Mapping[str | int, Mark | None]) -> Mark | None:
    """The same place, with what is in it now."""
    if mark is None:
        return None
    return replace(mark, inside={name: one for name, one in inside.items() if one is not None})


def _line(mark: Mark | None) -> str:
    return f"line {mark.line + 1}: " if mark else ""
