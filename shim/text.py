"""Text from elsewhere, names in packages above all: whether it can be sent, written and shown."""

from __future__ import annotations

import re

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: what Python makes of bytes that are not UTF-8, or what JSON held."""


def text_problem(text: str) -> str | None:
    """Why AWS can't be sent `text`, nor a program be given it; None where both can."""
    if _HALF.search(text):
        return "it is not UTF-8"
    if "\0" in text:
        return "it has a NUL character in it"
    return None


def utf8(text: str) -> str:
    """`text` as every reader takes it: what is not UTF-8 becomes U+FFFD."""
    return _HALF.sub("\ufffd", text)


def printable(text: str) -> str:
    """`text` in one line, and unable to steer a terminal: what can't be shown is spelt out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _spelt(one) for one in text)


def _spelt(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
