"""CloudFormation's functions that need nothing but their argument.

(AWS CloudFormation template reference, "Intrinsic functions".)
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

from shim.templates.value import Cause, Content, Reference, Text, Unknown, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TEXT_LIMIT = 1 << 20
# As in resolve.py: it doesn't read on over what may begin another one.
_DYNAMIC = re.compile(r"\{\{resolve:[^{}]*\}\}")


def joined(separator: str, parts: Iterable[Content]) -> Content:
    """The parts as one text, with what isn't known of it."""
    found: list[str | Reference | Unknown] = []
    size = 0
    for index, part in enumerate(parts):
        pieces = [separator] if index and separator else []
        for one in (*pieces, *(part.parts if isinstance(part, Text) else (part,))):
            piece = plain(one) if isinstance(one, str | int | float | bool) else one
            if not isinstance(piece, str | Reference | Unknown):
                return odd("a text")
            size += len(piece) if isinstance(piece, str) else 1
            if size > _TEXT_LIMIT:
                return Unknown(cause=Cause.FORM, reason="a text of more than 1 MB")
            found.append(piece)
    if all(isinstance(piece, str) for piece in found):
        return "".join(map(str, found))
    return Text(parts=tuple(_run_together(found)))


def _run_together(parts: Iterable[str | Reference | Unknown]) -> list[str | Reference | Unknown]:
    """Texts after each other as one: what can be compared."""
    merged: list[str | Reference | Unknown] = []
    text: list[str] = []
    for part in (*parts, None):
        if isinstance(part, str):
            text.append(part)
            continue
        if any(text):
            merged.append("".join(text))
        text = []
        if part is not None:
            merged.append(part)
    return merged


def _join(argument: Content) -> Content:
    match argument:
        case [str(separator), list(parts)]:
            return joined(separator, parts)
        case _:
            return first_unknown(argument) or odd("Fn::Join")


def _select(argument: Content) -> Content:
    match argument:
        case [int() | str() as index, list(parts)] if str(index).isdecimal():
            if int(index) < len(parts):
                return parts[int(index)]
    return first_unknown(argument) or odd("Fn::Select")


def _split(argument: Content) -> Content:
    match argument:
        case [str(separator), str(text)] if separator:
            return text.split(separator)
    return first_unknown(argument) or odd("Fn::Split")


def _base64(argument: Content) -> Content:
    if isinstance(argument, str):
        return base64.b64encode(argument.encode(errors="replace")).decode()
    return first_unknown(argument) or odd("Fn::Base64")


def _length(argument: Content) -> Content:
    if isinstance(argument, list):
        return len(argument)
    return first_unknown(argument) or odd("Fn::Length")


def _to_json(argument: Content) -> Content:
    try:
        return json.dumps(argument, separators=(",", ":"))
    except TypeError:
        # What isn't known stays findable.
        unknown = first_unknown(argument)
        reason = unknown.reason if unknown else "it refers to other resources"
        return Unknown(cause=Cause.LATER, reason=reason, inside=(argument,))


def _equals(argument: Content) -> Content:
    match argument:
        case [one, other]:
            return first_unknown(argument) or _settled(plain(one) == plain(other), argument)
        case _:
            return odd("Fn::Equals")


def _settled(answer: bool, argument: Content) -> Content:  # noqa: FBT001 # an answer is one
    """Equal texts are equal; what refers to resources may turn out to be."""
    if not answer and any(isinstance(one, Reference) for one in leaves(argument)):
        return Unknown(cause=Cause.LATER, reason="it depends on a resource")
    return answer


def _not(argument: Content) -> Content:
    match argument:
        case [bool(answer)]:
            return not answer
        case _:
            return first_unknown(argument) or odd("Fn::Not")


def _and(argument: Content) -> Content:
    return _combined(argument, deciding=False)


def _or(argument: Content) -> Content:
    return _combined(argument, deciding=True)


def _combined(argument: Content, *, deciding: bool) -> Content:
    answers = argument if isinstance(argument, list) else []
    if deciding in [one for one in answers if isinstance(one, bool)]:
        return deciding
    if answers and all(isinstance(one, bool) for one in answers):
        return not deciding
    return first_unknown(argument) or odd("a condition")


FUNCTIONS: dict[str, Callable[[Content], Content]] = {
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Base64": _base64,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    "Fn::Equals": _equals,
    "Fn::Not": _not,
    "Fn::And": _and,
    "Fn::Or": _or,
}
"""Those that need nothing but their argument."""


def dynamic(text: str) -> Content:
    if "{{resolve:" not in text:
        return text
    found = _DYNAMIC.search(text)
    if found is None:
        return text
    unknown = Unknown(cause=Cause.DYNAMIC, reason=f"`{found[0]}` is looked up in the account")
    return joined("", [text[: found.start()], unknown, text[found.end() :]])


def first_unknown(content: Content) -> Unknown | None:
    """Why something can't be carried out, with all that was in it."""
    unknown = next((one for one in leaves(content) if isinstance(one, Unknown)), None)
    if unknown is None and any(isinstance(one, Reference) for one in leaves(content)):
        unknown = Unknown(cause=Cause.LATER, reason="it depends on a resource")
    if unknown is None:
        return None
    return Unknown(cause=unknown.cause, reason=unknown.reason, inside=(content,))


def odd(what: str) -> Unknown:
    return Unknown(cause=Cause.FORM, reason=f"`{what}` is not of a form that CloudFormation takes")


def plain(value: Content) -> Content:
    """CloudFormation knows texts only: true is `true`, and 1 is `1`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
