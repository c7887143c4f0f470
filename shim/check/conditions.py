"""`test`, `[` and `[[`: what they say of texts and files, where that is known."""

from __future__ import annotations

import fnmatch
import stat
from typing import TYPE_CHECKING

from shim.check.tree import Node
from shim.package.shell import Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shim.check.situation import Situation, Value
    from shim.check.words import Words

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda one, other: one == other,
    "-ne": lambda one, other: one != other,
    "-gt": lambda one, other: one > other,
    "-ge": lambda one, other: one >= other,
    "-lt": lambda one, other: one < other,
    "-le": lambda one, other: one <= other,
}
_FILES: dict[str, Callable[[Node], bool]] = {
    "-e": lambda _: True,
    "-d": lambda node: node.is_folder,
    "-f": lambda node: not node.is_folder,
    "-r": lambda node: node.is_readable,
    "-x": lambda node: node.is_folder or node.is_executable,
    "-s": lambda node: node.is_folder or node.file is None or node.file.entry.size > 0,
}


def holds(test: Sequence[Value], words: Words, at: Situation) -> bool | None:
    """Whether the test does; None where that isn't known."""
    name, *rest = test
    if name != "test" and (not rest or rest.pop() != ("]]" if name == "[[" else "]")):
        return None
    match rest:
        case ["!", *others] if others:
            inner = holds(["test", *others], words, at)
            return None if inner is None else not inner
        case ["-n" | "-z" as operator, str() as text]:
            return bool(text) == (operator == "-n")
        case [str() as operator, str() as path] if operator in _FILES:
            return _of_file(operator, path, words, at)
        case [str() as one, "=" | "==" | "!=" as operator, str() as other]:
            return _compared(one, operator, other, is_pattern=name == "[[")
        case [str() as one, str() as operator, str() as other] if operator in _NUMBERS:
            is_known = all(text.lstrip("-").isdecimal() for text in (one, other))
            return _NUMBERS[operator](int(one), int(other)) if is_known else None
        case [str() as text] if text:
            return True
        case []:
            return False
        case _:
            return None


def _of_file(operator: str, path: str, words: Words, at: Situation) -> bool | None:
    if not path:
        return False
    node = words.find(path, at)
    if node is None:
        return None
    if isinstance(node, int) or (node.file and not stat.S_ISREG(node.file.entry.kind)):
        return isinstance(node, Node) and _FILES[operator](node)
    return _FILES[operator](node)


def _compared(one: str, operator: str, other: str, *, is_pattern: bool) -> bool | None:
    if is_pattern and any(character in other for character in "*?["):
        return None
    return (one == other) == (operator != "!=")


def matches(value: Value, pattern: Value) -> bool | None:
    """Whether a pattern of `case` does; None where that isn't known."""
    if pattern == "*":
        return True
    if isinstance(value, Unclear) or isinstance(pattern, Unclear):
        return None
    return fnmatch.fnmatchcase(value, pattern)
