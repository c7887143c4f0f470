"""What a script's words come to: variables, and the few commands whose output is known."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from shim.check.situation import Stuck
from shim.check.tree import OPT, TASK, Node
from shim.package import shell_tree
from shim.package.shell import Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tree_sitter import Node as Syntax

    from shim.check.execution import Machine
    from shim.check.situation import Situation, Value

_DEPTH_LIMIT = 5
_VALUE_LIMIT = 1024
_ALL = {"$@", "${@}"}
_MAY_END = {"expansion", "arithmetic_expansion"}
"""What ends a script where it can't be done: `${A:?}`, or anything under `set -u`."""

_SPLIT = re.compile(r"[\s*?\[\\]")
_CUT = re.compile(r"cut\0-d\0?(.)\0-f\0?([1-9])")
_UNKNOWN = Unclear(reason="it depends on what a command prints")


class Words:
    """Words of a script at `at`, where `machine` is what it runs on.

    `aside` does statements in a process of their own: whether the last succeeds, None if that isn't
    known.
    """

    def __init__(
        self, machine: Machine, at: Situation, aside: Callable[[Sequence[Syntax]], bool | None]
    ) -> None:
        self._machine, self._at, self._aside = machine, at, aside
        self.status: bool | None = True
        """Of the last command whose output was taken."""
        self._depth = 0

    def fields(self, words: Iterable[Syntax]) -> list[Value]:
        """What the words come to, split where the shell splits them."""
        return [field for word in words for field in self._fields(word)]

    def text(self, word: Syntax | None) -> Value:
        """What a word comes to where it isn't split: a value that is assigned, say."""
        return _joined([value for value, _ in self._parts(word)] if word else [])

    def find(self, path: str) -> Node | int | None:
        """What is at a path as the script sees it; None where that isn't known."""
        whole = self._at.path(path)
        if isinstance(whole, Unclear):
            return None
        node = self._machine.tree.find(whole)
        own = [TASK] if self._machine.state.absent_layers else [TASK, OPT]
        is_known = any(whole == root or whole.startswith(f"{root}/") for root in own)
        return node if is_known or isinstance(node, Node) else None

    def folder(self, path: str) -> str | None:
        """Where `cd` leads; empty where it leads nowhere, None where that isn't known."""
        node, whole = self.find(path), self._at.path(path)
        if node is None or path == "-":
            return None
        if isinstance(node, int) or not node.is_folder:
            return ""
        # The shell keeps the names of links.
        return node.path if node.path == posixpath.normpath(str(whole)) else None

    def _fields(self, word: Syntax) -> Sequence[Value]:
        if shell_tree.text_of(word).strip('"') in _ALL:
            fields: Sequence[Value] = self._at.arguments
            loose = () if word.type == "string" else fields
        else:
            parts = list(self._parts(word))
            value = _joined([value for value, _ in parts])
            loose = [value for value, is_loose in parts if is_loose]
            fields = [value] if value or len(loose) < len(parts) else []
        if any(isinstance(one, str) and _SPLIT.search(one) for one in loose):
            return [Unclear(reason="a text without quotes that the shell splits")]
        return fields

    def _parts(self, word: Syntax, *, is_quoted: bool = False) -> Iterator[tuple[Value, bool]]:
        """What the parts of a word come to, and whether the shell splits each."""
        if odd := shell_tree.unread(word):
            if word.type in _MAY_END:
                raise Stuck(odd)
            yield odd, False
            return
        match word.type:
            case "string":
                for text, part in shell_tree.string_parts(word):
                    yield text, False
                    yield from self._parts(part, is_quoted=True) if part else ()
            case "concatenation":
                for one in word.children:
                    yield from self._parts(one)
            case "variable_assignment":
                name, value = shell_tree.assignment(word)
                yield f"{name}=", False
                yield self.text(value), False
            case "simple_expansion" | "expansion":
                yield self._variable(*shell_tree.expansion(word)), not is_quoted
            case "command_substitution":
                yield self._output(shell_tree.statements(word.children)), not is_quoted
            case _:
                yield shell_tree.literal(word), False

    def _variable(self, name: str, operator: str, operands: Sequence[Syntax]) -> Value:
        if name in {"@", "*"}:
            return Unclear(reason="several words that become part of one")
        value = self._at.value(name)
        if "-" in operator:
            is_default = value is None or (value == "" and operator == ":-")
            return _joined(list(map(self._quoted, operands))) if is_default else value or ""
        if "u" in self._at.options and not self._at.is_set(name):
            raise Stuck(f"`{name}` may not be set, and `set -u` forbids that")
        if not isinstance(value, str) or not operator:
            return value or ""
        return _trimmed(value, operator, "".join(map(shell_tree.text_of, operands)))

    def _quoted(self, word: Syntax) -> Value:
        return _joined([value for value, _ in self._parts(word, is_quoted=True)])

    def _output(self, inside: Sequence[Syntax]) -> Value:
        """What `$(…)` gives, where it is one of few shapes."""
        if self._depth > _DEPTH_LIMIT:
            return Unclear(reason="it is nested too deeply")
        self._depth += 1
        printed = self._printed(inside[0]) if len(inside) == 1 else None
        self.status = True if printed is not None else self._aside(inside)
        self._depth -= 1
        return _UNKNOWN if printed is None else printed

    def _printed(self, node: Syntax) -> str | None:
        if shell_tree.unread(node):
            return None
        match node.type:
            case "command":
                return self._said(self._known(node))
            case "list" if node.children[1].type == "&&":
                words, then = map(self._known, shell_tree.statements(node.children))
                is_cd = words[:1] == ["cd"] and len(words) == 2 and then == ["pwd"]
                return (self.folder(words[1]) or None) if is_cd else None
            case "pipeline" if len(node.children) == 3:
                first, second = map(self._known, shell_tree.statements(node.children))
                said, cut = self._said(first), _CUT.fullmatch("\0".join(second))
                if said is None or not cut:
                    return None
                pieces = said.split(cut[1])
                return said if len(pieces) == 1 else "".join(pieces[int(cut[2]) - 1 :][:1])
            case _:
                return None

    def _known(self, node: Syntax) -> list[str]:
        """The words of a command, where all are known."""
        words, assigned = shell_tree.command_words(node)
        if node.type != "command" or assigned or shell_tree.unread(node):
            return []
        values = self.fields(words)
        known = [value for value in values if isinstance(value, str)]
        return known if len(known) == len(values) else []

    def _said(self, words: Sequence[str]) -> str | None:
        """What a command of the runtime's prints; None where that isn't known."""
        state = self._machine.state
        match words:
            case ["uname", "-m"] | ["arch"]:
                return state.arch.machine
            case ["uname"] | ["uname", "-s"]:
                return "Linux"
            case ["pwd"]:
                return self._at.folder
            case ["echo", *said] if not any(one.startswith("-") or "\\" in one for one in said):
                return " ".join(said)
            case ["dirname", path] if path[:1] != "-":
                return posixpath.dirname(path) or "."
            case ["basename", path] if path[:1] != "-":
                return posixpath.basename(path.rstrip("/"))
            case ["realpath", path] | ["readlink", "-f", path]:
                node = self.find(path)
                return node.path if isinstance(node, Node) else None
            case _:
                return None


def _trimmed(value: str, operator: str, pattern: str) -> str:
    """`${NAME%PATTERN}` and its like, whose pattern has one `*` at most."""
    is_longest = len(operator) == 2
    cut = re.escape(pattern).replace(r"\*", ".*" if is_longest else ".*?")
    kept = "(.*?)" if is_longest else "(.*)"
    whole = f"{kept}{cut}" if operator.startswith("%") else f"{cut}(.*)"
    found = re.fullmatch(whole, value, re.DOTALL)
    return found[1] if found else value


def _joined(values: Sequence[Value]) -> Value:
    for value in values:
        if isinstance(value, Unclear):
            return value
    text = "".join(value for value in values if isinstance(value, str))
    return text if len(text) <= _VALUE_LIMIT else Unclear(reason="a text is too long")
