"""The commands of a script: what the shell does itself, and the programs that it starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from shim.check.builtins import assign, change, holds, options, refuse
from shim.check.programs import Started
from shim.check.situation import Stuck
from shim.check.way import Ended
from shim.package import shell_tree
from shim.package.shell import Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node as Syntax

    from shim.check.programs import Programs
    from shim.check.situation import Situation, Value
    from shim.check.way import Way
    from shim.check.words import Words

_WITHOUT_VARIABLES = ([":"], ["export"], ["unset"], ["set"], ["."])
"""What keeps variables that stand in front of it."""


class Commands:
    """Does the commands of a script at `at`, on one way."""

    def __init__(self, at: Situation, way: Way, *, words: Words, programs: Programs) -> None:
        self._at, self._way, self._words, self._programs = at, way, words, programs

    def do(self, node: Syntax) -> bool | None:
        """Whether a command succeeds; None where that isn't known."""
        self._way.line = shell_tree.line_of(node)
        before = dict(self._at.variables)
        self._words.status = True
        words, assigned = shell_tree.command_words(node)
        fields = self._words.fields(words)
        for name, value in map(shell_tree.assignment, assigned):
            assign(self._at, name, self._words.text(value))
        if not words:
            self.fail_if(status=self._words.status)
            return self._words.status
        if assigned and fields[:1] in _WITHOUT_VARIABLES:
            raise Stuck("a variable in front of what the shell does itself")
        status = self._named(fields, words)
        if assigned:
            self._at.restore(before)
        return status

    def fail_if(self, *, status: bool | None) -> None:
        """Under `set -e` a command that fails ends the script; one that may does both."""
        if "e" not in self._at.options or self._way.tested:
            return
        if status is None and not self._way.choose():
            when = f", where line {self._way.line} fails under `set -e`,"
            self._way.end(status=False, when=when)
        if status is False:
            self._way.end(status=False)

    def _named(self, fields: Sequence[Value], words: Sequence[Syntax]) -> bool | None:
        if not fields:
            return True
        name, *rest = fields
        self._way.is_last_missed = False
        refuse(fields, self._at)
        match name:
            case ":" | "true" | "echo" | "printf" | "pwd":
                return True
            case "export" | "unset":
                change(self._at, name, words[1:], self._words)
                return True
            case "set":
                self._at.options = options(self._at, rest)
                return True
            case "exit":
                self._exit(rest)
            case "exec":
                return self._exec(rest[1:] if rest[:1] == ["--"] and self._at.is_bash else rest)
            case _:
                pass
        status = self._answer(fields)
        self.fail_if(status=status)
        return status

    def _answer(self, fields: Sequence[Value]) -> bool | None:
        """Whether a command succeeds that may fail."""
        match fields:
            case ["false", *_]:
                return False
            case ["test" | "[" | "[[", *_]:
                return holds(fields, self._words)
            case ["." | "source", *rest]:
                return self._read_in(rest)
            case ["cd", *rest]:
                return self._change_folder(rest)
            case _:
                return self._run(fields)

    def _read_in(self, rest: Sequence[Value]) -> bool:
        """A file that is read in: only what comes of it if it isn't there."""
        path = rest[0] if rest else ""
        if isinstance(path, Unclear):
            raise Stuck(path)
        if not isinstance(self._words.find(path) if "/" in path else None, int):
            raise Stuck(f"it reads in `{path}`")
        sentence = f"reads in `{path}` (line {self._way.line}), which is not there"
        missing = self._programs.missing(sentence, path)
        self._way.miss(Started(findings=(missing,), is_own=True))
        if self._at.is_posix:
            self._way.end(status=False)
        return False

    def _change_folder(self, rest: Sequence[Value]) -> bool | None:
        path = rest[-1] if len(rest) == 1 or rest[:-1] == ["--"] else Unclear(reason="")
        folder = self._words.folder(path) if isinstance(path, str) else None
        if folder != "":
            self._at.folder = folder
        return None if folder is None else folder != ""

    def _exit(self, rest: Sequence[Value]) -> NoReturn:
        if self._way.inside:
            raise Stuck("`exit` in a process of its own")
        is_failure = bool(rest) and isinstance(rest[0], str) and rest[0] != "0"
        self._way.end(status=False if is_failure else None)

    def _exec(self, fields: Sequence[Value]) -> bool:
        if not fields:
            return True
        if self._way.inside or fields[0] in {"--", "-a", "-c", "-l"}:
            raise Stuck("`exec` in a process of its own, or with an option")
        started = self._programs.start(fields, self._way.line)
        if started.fails:
            self._way.miss(replace(started, is_own=True))
            self._way.end(status=False)
        self._way.start(started)
        raise Ended

    def _run(self, fields: Sequence[Value]) -> bool | None:
        variables = dict(self._at.variables)
        started = self._programs.start(fields, self._way.line)
        self._at.restore(variables)
        self._way.has_acted = True
        if started.fails:
            is_open = not started.is_own and "e" in self._at.options and not self._way.tested
            self._way.miss(started, is_open=is_open)
            if started.only_ends:
                return self._way.choose()
            return False if started.is_own else None
        if started.is_own:
            self._way.start(started)
        return True if started.is_certain else None
