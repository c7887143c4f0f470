"""A value as YAML has it in one line, CloudFormation's functions by their short tags."""

from __future__ import annotations

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What would be something else than a text if it stood there without quotes."""


def flow(value: Any, *, quote: str | None = None) -> str:
    """Plain data in one line; `quote` is for a text that had such quotes."""
    match value:
        case list():
            return f"[{', '.join(map(flow, value))}]"
        case dict() if tag := _tag(value):
            [argument] = value.values()
            if tag == "GetAtt" and isinstance(argument, list):
                argument = ".".join(map(str, argument))
            return f"!{tag} {flow(argument, quote=quote)}"
        case dict():
            return f"{{{', '.join(f'{spelt(name)}: {flow(one)}' for name, one in value.items())}}}"
        case str():
            return spelt(value, quote=quote)
        case _:
            return json.dumps(value)


def spelt(text: str, *, quote: str | None = None) -> str:
    """A text, in quotes where it had some or needs some."""
    if quote == '"' or not text.isprintable():
        return json.dumps(text)
    if quote is None and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return "'" + text.replace("'", "''") + "'"


def _tag(value: dict[str, Any]) -> str | None:
    """`Sub` of `{"Fn::Sub": ...}`; None where it is no function, or would be a tag of a tag."""
    match [*value.items()]:
        case [(str(name), argument)] if name == "Ref" or name.startswith("Fn::"):
            return None if isinstance(argument, dict) else name.removeprefix("Fn::")
        case _:
            return None
