"""What a script's words come to: variables, and the few commands whose output is known."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Protocol

from shim.check.situation import Stuck
from shim.check.tree import OPT, TASK, Node
from shim.package.shell import Command, Either, Output, Pipe, Text, Unclear, Variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shim.check.execution import Machine
    from shim.check.situation import Situation, Value
    from shim.package.shell import Part, Statement, Word

_DEPTH_LIMIT = 5
_VALUE_LIMIT = 1024
_TRIMMED_LIMIT = 300
_SPLIT = re.compile(r"[\s*?\[\\]")
_CUT = re.compile(r"cut\0-d\0?(.)\0-f\0?([1-9])")
_UNKNOWN = Unclear(reason="it depends on what a command prints")


class Aside(Protocol):
    """Does a statement in a process of its own: whether it succeeds, None if that isn't known."""

    def __call__(self, statement: Statement) -> bool | None: ...


class Words:
    """Words of a script at `at`, where `machine` is what it runs on."""

    def __init__(self, machine: Machine, at: Situation, aside: Aside) -> None:
        self._machine, self._at, self._aside = machine, at, aside
        self.status: bool | None = True
        """Of the last command whose output was taken."""
        self._depth = 0

    def fields(self, words: Sequence[Word]) -> list[Value]:
        """What the words come to, split where the shell splits them."""
        return [field for word in words for field in self._fields(word)]

    def text(self, word: Word) -> Value:
        """What a word comes to where it isn't split: a value that is assigned, say."""
        return _joined([self._part(part) for part in word])

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

    def _fields(self, word: Word) -> Iterator[Value]:
        if len(word) == 1 and isinstance(word[0], Variable) and word[0].name == "@":
            yield from self._at.arguments
            return
        values = [self._part(part) for part in word]
        value = _joined(values)
        loose = [
            value
            for part, value in zip(word, values, strict=True)
            if isinstance(part, Variable | Output) and not part.is_quoted
        ]
        if any(isinstance(one, str) and _SPLIT.search(one) for one in loose):
            yield Unclear(reason="a text without quotes that the shell splits")
        elif value or len(loose) < len(word):
            yield value

    def _part(self, part: Part) -> Value:
        match part:
            case Text():
                return part.text
            case Variable():
                return self._variable(part)
            case Output():
                return self._output(part.statement)
            case Unclear():
                return part

    def _variable(self, part: Variable) -> Value:
        if part.name in {"@", "*"}:
            return Unclear(reason="several words that become part of one")
        value = self._at.value(part.name)
        if part.operator in {":-", "-"}:
            is_default = value is None or (value == "" and part.operator == ":-")
            return self.text(part.operand) if is_default else value or ""
        if "u" in self._at.options and not self._at.is_set(part.name):
            raise Stuck(f"`{part.name}` may not be set, and `set -u` forbids that")
        if not isinstance(value, str) or not part.operator:
            return value or ""
        if len(value) > _TRIMMED_LIMIT:
            return Unclear(reason="a part of a long text")
        pattern = self.text(part.operand)
        return pattern if isinstance(pattern, Unclear) else _trimmed(value, part.operator, pattern)

    def _output(self, statement: Statement) -> Value:
        """What `$(…)` gives, where it is one of few shapes."""
        if self._depth > _DEPTH_LIMIT:
            return Unclear(reason="it is nested too deeply")
        self._depth += 1
        printed = self._printed(statement)
        self.status = True if printed is not None else self._aside(statement)
        self._depth -= 1
        return _UNKNOWN if printed is None else printed

    def _printed(self, statement: Statement) -> str | None:
        match statement:
            case Command(assigned=()):
                return self._said(self._known(statement))
            case Either(is_and=True, left=left, right=right):
                words = self._known(left)
                is_cd = words[:1] == ["cd"] and len(words) == 2 and self._known(right) == ["pwd"]
                return (self.folder(words[1]) or None) if is_cd else None
            case Pipe(statements=(first, second)):
                said = self._said(self._known(first))
                cut = _CUT.fullmatch("\0".join(self._known(second)))
                if said is None or not cut:
                    return None
                pieces = said.split(cut[1])
                return said if len(pieces) == 1 else "".join(pieces[int(cut[2]) - 1 :][:1])
            case _:
                return None

    def _known(self, statement: Statement) -> list[str]:
        """The words of a command, where all are known."""
        if not isinstance(statement, Command) or statement.assigned:
            return []
        values = self.fields(statement.words)
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
    """`${NAME%PATTERN}` and its like; of wildcards, there is `*`."""
    fits = re.compile(re.escape(pattern).replace(r"\*", ".*"), re.DOTALL).fullmatch
    lengths: Sequence[int] = range(len(value) + 1)
    for length in lengths[::-1] if len(operator) == 2 else lengths:
        if operator.startswith("#") and fits(value[:length]):
            return value[length:]
        if operator.startswith("%") and fits(value[len(value) - length :]):
            return value[: len(value) - length]
    return value


def _joined(values: Sequence[Value]) -> Value:
    for value in values:
        if isinstance(value, Unclear):
            return value
    text = "".join(value for value in values if isinstance(value, str))
    return text if len(text) <= _VALUE_LIMIT else Unclear(reason="a text is too long")
