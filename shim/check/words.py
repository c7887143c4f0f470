"""What a script's words come to: variables, and the few commands whose output is known."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from shim.check.tree import OPT, TASK, Node
from shim.package.shell import Command, Either, Output, Pipe, Text, Unclear, Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shim.check.execution import Machine
    from shim.check.situation import Situation, Value
    from shim.package.shell import Part, Statement, Word

_DEPTH_LIMIT = 20
_VALUE_LIMIT = 4096
_SPLIT = re.compile(r"[\s*?\[]")
_UNKNOWN = Unclear(line=0, reason="it depends on what a command prints")


class Words:
    """Words of a script, where `machine` is what it runs on."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._outputs: dict[str, Callable[[Sequence[str], Situation], Value]] = {
            "basename": _basename,
            "dirname": lambda words, _: posixpath.dirname(words[0]) or "." if words else _UNKNOWN,
            "echo": lambda words, _: " ".join(words),
            "pwd": lambda words, at: at.folder if at.folder and not words else _UNKNOWN,
            "readlink": lambda words, at: self._real_path(words, at, option="-f"),
            "realpath": lambda words, at: self._real_path(words, at, option=""),
            "uname": self._uname,
            "arch": lambda words, _: _UNKNOWN if words else machine.state.arch.machine,
        }

    def fields(self, words: Sequence[Word], at: Situation) -> list[Value]:
        """What the words come to, split where the shell splits them."""
        return [field for word in words for field in self._fields(word, at)]

    def text(self, word: Word, at: Situation, *, depth: int = 0) -> Value:
        """What a word comes to where it isn't split: a value that is assigned, say."""
        values = [self._part(part, at, depth=depth) for part in word]
        for value in values:
            if isinstance(value, Unclear):
                return value
        text = "".join(value for value in values if isinstance(value, str))
        return text if len(text) <= _VALUE_LIMIT else Unclear(line=0, reason="a text is too long")

    def _fields(self, word: Word, at: Situation) -> Iterator[Value]:
        if len(word) == 1 and (several := _several(word[0], at)) is not None:
            yield from several
            return
        value = self.text(word, at)
        if any(_several(part, at) is not None for part in word):
            value = Unclear(line=0, reason="several words that become part of one")
        if isinstance(value, Unclear):
            yield value
            return
        loose = [
            part for part in word if isinstance(part, Variable | Output) and not part.is_quoted
        ]
        if any(_SPLIT.search(str(self._part(part, at, depth=0))) for part in loose):
            yield Unclear(line=0, reason="a text without quotes that the shell splits")
        elif value or not loose or len(loose) < len(word):
            yield value

    def _part(self, part: Part, at: Situation, *, depth: int) -> Value:
        if depth > _DEPTH_LIMIT:
            return Unclear(line=0, reason="it is nested too deeply")
        match part:
            case Text():
                return part.text
            case Variable():
                return self._variable(part, at, depth=depth)
            case Output():
                return self._output(part.statements, at, depth=depth)
            case Unclear():
                return part

    def _variable(self, part: Variable, at: Situation, *, depth: int) -> Value:
        value = _special(part.name, at)
        if part.operator in {":-", "-"}:
            is_set = value is not None and not (value == "" and part.operator == ":-")
            if not is_set:
                return self.text(part.operand, at, depth=depth + 1)
            return value if value is not None else ""
        if value is None or isinstance(value, Unclear) or not part.operator:
            return "" if value is None else value
        pattern = self.text(part.operand, at, depth=depth + 1)
        if isinstance(pattern, Unclear):
            return pattern
        if part.operator in {"/", "//"}:
            return _replaced(value, pattern, is_every=part.operator == "//")
        return _trimmed(value, part.operator, pattern)

    def _output(self, statements: tuple[Statement, ...], at: Situation, *, depth: int) -> Value:
        """What `$(…)` gives, where it is one of few shapes."""
        match statements:
            case (Command() as command,):
                return self._printed(command, at, depth=depth)
            case (Either(is_and=True, left=Command() as left, right=right),):
                words = self._known(left, at, depth=depth)
                if isinstance(words, Unclear) or words[:1] != ["cd"] or len(words) != 2:
                    return _UNKNOWN
                folder = self.folder(words[1], at)
                if folder is None:
                    return _UNKNOWN
                return self._output((right,), replace(at, folder=folder), depth=depth + 1)
            case (Pipe(statements=(Command() as first, Command() as second)),):
                printed = self._printed(first, at, depth=depth)
                words = self._known(second, at, depth=depth)
                if isinstance(printed, Unclear) or isinstance(words, Unclear):
                    return _UNKNOWN
                return _cut(printed, words)
            case _:
                return _UNKNOWN

    def _printed(self, command: Command, at: Situation, *, depth: int) -> Value:
        words = self._known(command, at, depth=depth)
        if isinstance(words, Unclear):
            return words
        if words[:1] == ["--"] or not words or words[0] not in self._outputs:
            return _UNKNOWN
        return self._outputs[words[0]]([word for word in words[1:] if word != "--"], at)

    def _known(self, command: Command, at: Situation, *, depth: int) -> list[str] | Unclear:
        """A command's words, where all are known."""
        if depth > _DEPTH_LIMIT or command.assigned:
            return _UNKNOWN
        values = [self.text(word, at, depth=depth + 1) for word in command.words]
        words = [value for value in values if isinstance(value, str)]
        if len(words) < len(values):
            return next(value for value in values if isinstance(value, Unclear))
        return words

    def folder(self, path: str, at: Situation) -> str | None:
        """Where `cd` leads; None where that isn't known to be a folder."""
        node = self.find(path, at)
        return node.path if isinstance(node, Node) and node.is_folder else None

    def find(self, path: str, at: Situation) -> Node | int | None:
        """What is at a path as the script sees it; None where that isn't known."""
        if not path.startswith("/"):
            if at.folder is None:
                return None
            path = f"{at.folder}/{path}"
        node = self._machine.tree.find(path)
        own = [TASK] if self._machine.state.absent_layers else [TASK, OPT]
        is_known = any(path == root or path.startswith(f"{root}/") for root in own)
        return node if is_known or isinstance(node, Node) else None

    def _real_path(self, words: Sequence[str], at: Situation, *, option: str) -> Value:
        paths = [word for word in words if word != option]
        node = self.find(paths[0], at) if len(paths) == 1 else None
        return node.path if isinstance(node, Node) else _UNKNOWN

    def _uname(self, words: Sequence[str], _: Situation) -> Value:
        known = {"-m": self._machine.state.arch.machine, "-s": "Linux", "": "Linux"}
        return known.get(" ".join(words), _UNKNOWN)


def _several(part: Part, at: Situation) -> Sequence[Value] | None:
    """The arguments, or an array's members; None for what is one word."""
    if not isinstance(part, Variable) or part.operator:
        return None
    if part.name == "@" or (part.name == "*" and not part.is_quoted):
        return at.arguments
    return at.arrays.get(part.name.removesuffix("[@]")) if part.name.endswith("[@]") else None


def _special(name: str, at: Situation) -> Value | None:
    if name.isdecimal() and name != "0":
        return at.arguments[int(name) - 1] if int(name) <= len(at.arguments) else None
    match name:
        case "#":
            return str(len(at.arguments))
        case "@" | "*":
            known = [value for value in at.arguments if isinstance(value, str)]
            return " ".join(known) if len(known) == len(at.arguments) else _UNKNOWN
        case "?":
            return (
                Unclear(line=0, reason="it depends on an exit status")
                if (at.status is None)
                else str(at.status)
            )
        case "PWD":
            return at.folder or _UNKNOWN
        case _:
            return at.value(name)


def _basename(words: Sequence[str], _: Situation) -> Value:
    if not 1 <= len(words) <= 2:
        return _UNKNOWN
    base = posixpath.basename(words[0].rstrip("/"))
    suffix = words[1] if len(words) == 2 else ""
    return base.removesuffix(suffix) if base != suffix else base


def _cut(text: str, words: Sequence[str]) -> Value:
    """`cut` with one delimiter and one field."""
    options = re.fullmatch(r"cut\0-d\0?(.)\0-f\0?([0-9]+)", "\0".join(words))
    if not options or "\n" in text or not int(options[2]):
        return _UNKNOWN
    fields = text.split(options[1])
    index = int(options[2]) - 1
    if len(fields) == 1:
        return text
    return fields[index] if index < len(fields) else ""


def _trimmed(value: str, operator: str, pattern: str) -> str:
    """`${NAME%PATTERN}` and its like."""
    matches = re.compile(fnmatch.translate(pattern)).match
    lengths: Sequence[int] = range(len(value) + 1)
    if len(operator) == 2:
        lengths = lengths[::-1]
    for length in lengths:
        if operator.startswith("#") and matches(value[:length]):
            return value[length:]
        if operator.startswith("%") and matches(value[len(value) - length :]):
            return value[: len(value) - length]
    return value


def _replaced(value: str, operand: str, *, is_every: bool) -> Value:
    """`${NAME/PATTERN/TEXT}`, without wildcards."""
    pattern, _, text = operand.partition("/")
    if not pattern or re.search(r"[*?\[#%&]", pattern + text):
        return Unclear(line=0, reason="a text is replaced in a variable")
    return value.replace(pattern, text, -1 if is_every else 1)
