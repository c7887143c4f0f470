"""`test`, `[` and `[[`: what they say of texts and files, where that is known."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from shim.check.tree import Node
from shim.package.shell import LIKE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shim.check.situation import Value
    from shim.check.words import Words

_FILES: dict[str, Callable[[Node], bool]] = {
    "-e": lambda _: True,
    "-d": lambda node: node.is_folder,
    "-f": lambda node: not node.is_folder,
    "-x": lambda node: node.is_folder or node.is_executable,
}


def holds(test: Sequence[Value], words: Words) -> bool | None:
    """Whether the test does; None where that isn't known."""
    name, *rest = test
    if name != "test" and (not rest or rest.pop() != ("]]" if name == "[[" else "]")):
        return None
    return _holds(rest, words, is_pattern=name == "[[")


def _holds(test: Sequence[Value], words: Words, *, is_pattern: bool) -> bool | None:
    match test:
        case ["!", *others] if others:
            inner = _holds(others, words, is_pattern=is_pattern)
            return None if inner is None else not inner
        case ["-n" | "-z" as operator, str() as text]:
            return bool(text) == (operator == "-n")
        case [str() as operator, str() as path] if operator in _FILES:
            return _of_file(operator, path, words)
        case [str() as one, "=" | "==" | "!=" as operator, str() as other]:
            is_plain = not is_pattern or not any(character in other for character in "*?[\\")
            return (one == other) == (operator != "!=") if is_plain else None
        case [str() as one, operator, str() as other] if operator == LIKE:
            return bool(re.fullmatch(re.escape(other).replace(r"\*", ".*"), one, re.DOTALL))
        case [str() as one, "-eq" | "-ne" as operator, str() as other]:
            is_known = one.isdecimal() and other.isdecimal()
            return (int(one) == int(other)) == (operator == "-eq") if is_known else None
        case [str() as text] if not is_pattern:
            return bool(text)
        case _:
            return None


def _of_file(operator: str, path: str, words: Words) -> bool | None:
    node = words.find(path) if path else 0
    if node is None or (isinstance(node, Node) and _is_odd(node)):
        return None
    return isinstance(node, Node) and _FILES[operator](node)


def _is_odd(node: Node) -> bool:
    """Whether it is neither a file nor a folder."""
    return node.file is not None and not (node.is_folder or stat.S_ISREG(node.file.entry.kind))
