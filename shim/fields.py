"""Walks JSON that somebody else wrote: every error names the place, `steps[2].handler`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A value, and where it stands."""

    value: Any
    place: str = ""

    def has(self, name: str) -> bool:
        """Whether the object has it, and not as null."""
        return self._as(dict).get(name) is not None

    def __getitem__(self, name: str) -> Field:
        """What the object has of that name; `InputError` where it hasn't."""
        values = self._as(dict)
        place = f"{self.place}.{name}" if self.place else name
        if name not in values:
            raise InputError(f"it is missing: `{place}`")
        return Field(value=values[name], place=place)

    def check_names(self, *known: str) -> None:
        """Refuse what nothing reads: it may be misspelt."""
        for name in self._as(dict):
            if name not in known:
                self.refuse(f"there is something that nothing reads, {name!r}")

    def items(self) -> Iterator[Field]:
        """The list's, in order."""
        for index, value in enumerate(self._as(list)):
            yield Field(value=value, place=f"{self.place}[{index}]")

    def texts(self) -> dict[str, str]:
        """An object of texts."""
        return {name: self[name].text() for name in self._as(dict)}

    def text(self) -> str:
        """A text."""
        return str(self._as(str))

    def whole(self) -> int:
        """A whole number."""
        return int(self._as(int))

    def number(self) -> float:
        """A number."""
        if type(self.value) is int and abs(self.value) < 1 << 53:
            return float(self.value)
        return float(self._as(float))

    def refuse(self, problem: str) -> NoReturn:
        """Raise `InputError` with the place."""
        raise InputError(f"{problem}: `{self.place or 'the whole document'}`")

    def _as(self, kind: type) -> Any:
        # Not isinstance: JSON's true is no number.
        if type(self.value) is not kind:
            self.refuse(f"this has to be {_KINDS[kind]}")
        return self.value


def text_problem(text: str) -> str | None:
    """Why AWS can't be sent `text`, nor a program be given it; None where both can."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "it is not UTF-8"
    if "\0" in text:
        return "it has a NUL character in it"
    return None


def read_json(text: str | bytes) -> Field:
    """A JSON document; `InputError` where it is none."""
    try:
        return Field(value=json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"this is no JSON, {reason}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"an object has a name twice: {name!r}")
        values[name] = value
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"a number can't be {name}")
