"""How the full launcher writes: values shortened as report.py shortens them, and JSON.

Part of the full launcher, like explain.py. The `json` module would bring `re` and a dozen others.
"""

VALUE_LIMIT = 256
"""Bytes of one value."""


def show(value: bytes) -> str:
    """A value as text; what is not UTF-8 stays as surrogates, which `quote` replaces."""
    text = value.decode("utf-8", "surrogateescape")
    size = 0
    for index, character in enumerate(text):
        if size >= VALUE_LIMIT:
            return text[:index] + "..."
        size += len(character.encode("utf-8", "surrogateescape"))
    return text


def quote(value: object) -> str:
    """JSON of text, numbers, booleans, lists and dictionaries."""
    if isinstance(value, str):
        return '"' + "".join(map(_escape, value)) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ",".join(quote(key) + ":" + quote(item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(quote, value)) + "]"
    return str(value)


def _escape(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    is_control = character < " " or "\x7f" <= character <= "\x9f"
    if is_control or "\ud800" <= character <= "\udfff":
        return "\\ufffd"
    return character
