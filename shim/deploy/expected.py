"""What a function's answer has to have in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shim.document import encode
from shim.errors import InputError
from shim.fields import read_json

_SHOWN = 200
"""Characters of a value that is not as expected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """The first thing in an answer that is not as expected."""

    path: str
    """In the answer, as a JSON path."""
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """JSON that the answer has to have in it.

    Of an object the names that are named here have to be there, and match; others may be there too.
    A list has as many elements, each of which matches. All else is the same value. Where an object
    or a list is expected and a string is there, that is read as JSON: the `body` of an answer to
    API Gateway is one.
    """

    value: Any

    def mismatch(self, payload: bytes) -> Mismatch | None:
        """What isn't as expected; None where all is."""
        try:
            found = read_json(payload).value
        except InputError:
            found = payload.decode(errors="replace")
        return _mismatch(self.value, found, "$")


def _mismatch(expected: Any, found: Any, path: str) -> Mismatch | None:
    if isinstance(expected, dict | list) and isinstance(found, str):
        found = _read(found)
    match expected, found:
        case dict(), dict():
            for name, one in expected.items():
                inner = f"{path}.{name}"
                if name not in found:
                    return Mismatch(path=inner, expected=_text(one), found="nothing")
                if problem := _mismatch(one, found[name], inner):
                    return problem
            return None
        case list(), list() if len(expected) == len(found):
            for index, (one, other) in enumerate(zip(expected, found, strict=True)):
                if problem := _mismatch(one, other, f"{path}[{index}]"):
                    return problem
            return None
    # To Python `true` is 1, and JSON's 1 and 1.0 are the same number.
    if expected == found and isinstance(expected, bool) == isinstance(found, bool):
        return None
    return Mismatch(path=path, expected=_text(expected), found=_text(found))


def _read(text: str) -> Any:
    try:
        return read_json(text).value
    except InputError:
        return text


def _text(value: Any) -> str:
    text = encode(value, indent=None)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
