"""Walks JSON that somebody else wrote: every error says where, `steps[2].handler`."""

from __future__ import annotations

import codecs
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from shim.errors import InputError
from shim.text import text_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_Words = TypeVar("_Words", bound=StrEnum)

DOCUMENT_LIMIT = 64 << 20
"""Bytes of a document that are read: what AWS prints, and what shim writes, has far less."""

_DEPTH_LIMIT = 64
"""Objects and lists in each other, that are read: what Python could takes another bound each."""

_TOO_DEEP = "JSON that is nested too deeply"
_DIGITS_LIMIT, _WHOLE_LIMIT = 1000, 1 << 63

_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""By the mark that a text begins with; PowerShell's `>` writes UTF-16."""

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A value, and where it stands in its document."""

    value: Any
    json_path: str = ""

    def has(self, name: str) -> bool:
        """Whether the object has it, and not as null."""
        return self._as(dict).get(name) is not None

    def __getitem__(self, name: str) -> Field:
        """What the object has of that name; `InputError` where it hasn't."""
        values = self._as(dict)
        json_path = f"{self.json_path}.{name}" if self.json_path else name
        if name not in values:
            raise InputError(f"missing: `{json_path}`")
        return Field(value=values[name], json_path=json_path)

    def check_names(self, *known: str) -> None:
        """Refuse what nothing reads: it may be misspelt."""
        for name in self._as(dict):
            if name not in known:
                self.refuse(f"unknown name {name!r}")

    def items(self) -> Iterator[Field]:
        """The list's, in order."""
        for index, value in enumerate(self._as(list)):
            yield Field(value=value, json_path=f"{self.json_path}[{index}]")

    def names(self) -> tuple[str, ...]:
        """An object's, in order."""
        return tuple(self._as(dict))

    def texts(self) -> dict[str, str]:
        """An object of texts."""
        values = self._as(dict)
        for name in values:
            if problem := text_problem(name):
                self.refuse(f"a name in it can't be used, {problem}: {name!r}")
        return {name: self[name].text() for name in values}

    def text(self) -> str:
        """A text that AWS can be sent and a program be given."""
        text = str(self._as(str))
        if problem := text_problem(text):
            self.refuse(problem)
        return text

    def whole(self) -> int:
        """A whole number of 64 bits."""
        number = int(self._as(int))
        if abs(number) >= _WHOLE_LIMIT:
            self.refuse("this number is too large")
        return number

    def number(self) -> float:
        """A number."""
        if type(self.value) is int and abs(self.value) < 1 << 53:
            return float(self.value)
        return float(self._as(float))

    def one_of(self, kind: type[_Words]) -> _Words:
        """One of the words of `kind`."""
        if self.text() not in set(kind):
            self.refuse(f"not one of {', '.join(kind)}, but {self.value!r}")
        return kind(self.value)

    def refuse(self, problem: str) -> NoReturn:
        """Raise `InputError` with the JSON path."""
        raise InputError(f"{problem}: `{self.json_path or 'the whole document'}`")

    def _as(self, kind: type) -> Any:
        # Not isinstance: JSON's true is not a number.
        if type(self.value) is not kind:
            self.refuse(f"not {_KINDS[kind]}")
        return self.value


def read_file(path: Path) -> bytes:
    """What a document's file holds; `InputError`, which doesn't name the file."""
    try:
        with path.open("rb") as file:
            data = file.read(DOCUMENT_LIMIT + 1)
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}") from error
    if len(data) > DOCUMENT_LIMIT:
        raise InputError(f"not such a document: it has more than {DOCUMENT_LIMIT:,} bytes")
    return data


@contextmanager
def naming(source: str, *, hint: str | None = None) -> Iterator[None]:
    """Put the name of a file, or of a call, before what is wrong in what it gave."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{source}: {error.message}", hint=error.hint or hint) from error


def read_json(text: str | bytes) -> Field:
    """A JSON document; `InputError` where it is none."""
    try:
        value = json.loads(
            text if isinstance(text, str) else _decoded(text),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_number,
        )
        _check_depth(value)
    except RecursionError as error:
        raise InputError(_TOO_DEEP) from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from error
    return Field(value=value)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEPTH_LIMIT):
        level = [one for outer in level for one in _inside(outer)]
    if level:
        raise InputError(_TOO_DEEP)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def check_json(data: bytes) -> None:
    """Raise `InputError` where `data` is not JSON as RFC 8259 has it, whatever it says."""
    try:
        json.loads(data.decode(), parse_constant=_no_constant, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise InputError(_TOO_DEEP) from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}") from error


def _decoded(data: bytes) -> str:
    for mark, encoding in _ENCODINGS.items():
        if data.startswith(mark):
            return data.decode(encoding)
    return data.decode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"an object has a name twice: {name!r}")
        values[name] = value
    return values


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS_LIMIT:  # Python itself takes 4,300, and names a setting
        raise ValueError("a number is too large")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"a number can't be {name}")
