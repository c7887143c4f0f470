"""Follows a shell script to the programs that it starts: a few shapes, else the answer "unknown".

A script is done step by step. Where a step decides that isn't known (what `grep` finds), it is done
once for each answer; a shape that isn't known here ends the following (`Stuck`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from shim.check.builtins import assign, change, options, refuse
from shim.check.conditions import holds
from shim.check.findings import Severity, finding
from shim.check.programs import Programs, Started
from shim.check.situation import Situation, Stuck
from shim.check.words import Words
from shim.package.shell import (
    Command,
    Either,
    Endless,
    Group,
    If,
    Not,
    Pipe,
    Unclear,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.check.execution import Machine
    from shim.check.findings import Finding
    from shim.check.programs import Begin
    from shim.check.situation import Value
    from shim.package.shell import Statement

_WAYS_LIMIT = 16
_STEPS_LIMIT = 1000
_DEPTH_LIMIT = 40


def follow(
    machine: Machine, begin: Begin, at: Situation, script: Statement, *, where: str
) -> list[Finding]:
    """What is found on all ways through it; errors that only some ways meet are unknown."""
    choices: list[bool] = []
    endings: list[list[Finding]] = []
    while len(endings) < _WAYS_LIMIT:
        here = replace(at, variables=dict(at.variables))
        way = _Way(machine, begin, here, choices, where=where)
        endings.append(way.findings(script))
        while choices and not choices[-1]:
            choices.pop()
        if not choices:
            break
        choices[-1] = False
    else:
        endings.append([_not_followed("too many ways lead through it", 1, where)])
    found = [one for ending in endings for one in ending]
    if not all(any(map(_is_error, ending)) for ending in endings):
        found = [_weaker(one) for one in found]
    return list(dict.fromkeys(found))


class _Ended(Exception):
    """The script is over; nothing more was found than there is."""


class _Way:
    """One way through a script that people know as `where`."""

    def __init__(
        self, machine: Machine, begin: Begin, at: Situation, choices: list[bool], *, where: str
    ) -> None:
        self._at, self._where = at, where
        self._words = Words(machine, at, self._aside)
        self._programs = Programs(machine, begin, at, where=where)
        self._choices, self._chosen = choices, 0
        self._steps = self._depth = 0
        self._line = 1
        self._tested = self._inside = 0
        self._found: list[Finding] = []
        self._missed: list[tuple[Finding, bool]] = []
        """What could not be started so far, and whether that is certain."""
        self._has_started = self._has_acted = self._is_last_missed = False

    def findings(self, script: Statement) -> list[Finding]:
        """What is found on this way."""
        try:
            self._end(status=self._do(script))
        except Stuck as stuck:
            line = stuck.unclear.line or self._line
            self._found += [_weaker(one) for one, _ in self._missed]
            self._found.append(_not_followed(stuck.unclear.reason, line, self._where))
        except _Ended:
            pass
        return self._found

    def _end(self, *, status: bool | None, when: str = "") -> NoReturn:
        """The script's end, without `exec`."""
        if self._missed:
            *before, (last, is_certain) = self._missed
            self._found += [one if is_sure else _weaker(one) for one, is_sure in before]
            self._found.append(last if is_certain or self._is_last_missed else _weaker(last))
        elif not self._has_started and (status is False or not self._has_acted):
            self._found.append(_ended(self._where, when))
        elif not self._has_started:
            raise Stuck("only the runtime's own programs are run")
        raise _Ended

    def _do(self, statement: Statement) -> bool | None:  # noqa: C901 - a table of statements
        """Whether it succeeds; None where that isn't known."""
        self._steps += 1
        self._depth += 1
        if self._steps > _STEPS_LIMIT or self._depth > _DEPTH_LIMIT:
            raise Stuck("it is too long, or nested too deeply")
        status: bool | None = True
        match statement:
            case Command():
                self._line = statement.line
                status = self._command(statement)
            case Group():
                for one in statement.statements:
                    status = self._do(one)
            case Not():
                status = self._test(statement.statement)
                status = None if status is None else not status
            case Either():
                status = self._is_true(statement.left)
                if status == statement.is_and:
                    status = self._do(statement.right)
            case Pipe():
                statuses = [self._aside(one) for one in statement.statements]
                status = statuses[-1]
                if "pipefail" in self._at.options and not all(statuses):
                    status = False if False in statuses else None
                self._fail_if(status=status)
            case If():
                is_true = self._is_true(statement.condition)
                status = self._do(statement.then if is_true else statement.otherwise)
            case Endless():
                self._do(statement.body)
                # A custom runtime: what has no last round is what the function does.
                self._has_started = self._has_started or self._at.has_asked
                self._end(status=None)
            case Unclear():
                raise Stuck(statement)
        self._depth -= 1
        return status

    def _choose(self) -> bool:
        """Yes on one way, no on the other."""
        if self._chosen == len(self._choices):
            self._choices.append(True)
        self._chosen += 1
        return self._choices[self._chosen - 1]

    def _is_true(self, statement: Statement) -> bool:
        status = self._test(statement)
        return self._choose() if status is None else status

    def _test(self, statement: Statement) -> bool | None:
        """A statement whose failing ends nothing."""
        self._tested += 1
        status = self._do(statement)
        self._tested -= 1
        return status

    def _aside(self, statement: Statement) -> bool | None:
        """A statement in a process of its own."""
        if isinstance(statement, Group) and "e" in self._at.options:
            raise Stuck("several commands in a process of their own, under `set -e`")
        saved = dict(self._at.variables), self._at.folder, self._at.options
        self._inside += 1
        status = self._test(statement)
        self._inside -= 1
        variables, self._at.folder, self._at.options = saved
        self._restore(variables)
        return status

    def _restore(self, variables: dict[str, Value | None]) -> None:
        self._at.variables.clear()
        self._at.variables.update(variables)

    def _command(self, command: Command) -> bool | None:
        before = dict(self._at.variables)
        self._words.status = True
        fields = self._words.fields(command.words)
        for name, word in command.assigned:
            assign(self._at, name, self._words.text(word))
        if not command.words:
            self._fail_if(status=self._words.status)
            return self._words.status
        if command.assigned and fields[:1] in ([":"], ["export"], ["unset"], ["set"], ["."]):
            raise Stuck("a variable in front of what the shell does itself")
        status = self._named(fields, command)
        if command.assigned:
            self._restore(before)
        return status

    def _named(self, fields: Sequence[Value], command: Command) -> bool | None:
        if not fields:
            return True
        name, *rest = fields
        self._is_last_missed = False
        refuse(fields, self._at)
        match name:
            case ":" | "true" | "echo" | "printf" | "pwd":
                return True
            case "export" | "unset":
                change(self._at, name, command.words[1:], self._words)
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
        self._fail_if(status=status)
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

    def _fail_if(self, *, status: bool | None) -> None:
        """Under `set -e` a command that fails ends the script; one that may does both."""
        if "e" not in self._at.options or self._tested:
            return
        if status is None and not self._choose():
            self._end(status=False, when=f", where line {self._line} fails under `set -e`,")
        if status is False:
            self._end(status=False)

    def _read_in(self, rest: Sequence[Value]) -> bool:
        """A file that is read in: only what comes of it if it isn't there."""
        path = rest[0] if rest else ""
        if isinstance(path, Unclear):
            raise Stuck(path)
        if not isinstance(self._words.find(path) if "/" in path else None, int):
            raise Stuck(f"it reads in `{path}`")
        sentence = f"reads in `{path}` (line {self._line}), which is not there"
        self._miss(Started(findings=(self._programs.missing(sentence, path),), is_own=True))
        if self._at.is_posix:
            self._end(status=False)
        return False

    def _change_folder(self, rest: Sequence[Value]) -> bool | None:
        path = rest[-1] if len(rest) == 1 or rest[:-1] == ["--"] else Unclear(reason="")
        folder = self._words.folder(path) if isinstance(path, str) else None
        if folder != "":
            self._at.folder = folder
        return None if folder is None else folder != ""

    def _exit(self, rest: Sequence[Value]) -> NoReturn:
        if self._inside:
            raise Stuck("`exit` in a process of its own")
        is_failure = bool(rest) and isinstance(rest[0], str) and rest[0] != "0"
        self._end(status=False if is_failure else None)

    def _exec(self, fields: Sequence[Value]) -> bool:
        if not fields:
            return True
        if self._inside or fields[0] in {"--", "-a", "-c", "-l"}:
            raise Stuck("`exec` in a process of its own, or with an option")
        started = self._programs.start(fields, self._line)
        if started.fails:
            self._miss(replace(started, is_own=True))
            self._end(status=False)
        self._start(started)
        raise _Ended

    def _run(self, fields: Sequence[Value]) -> bool | None:
        variables = dict(self._at.variables)
        started = self._programs.start(fields, self._line)
        self._restore(variables)
        self._has_acted = True
        if started.fails:
            self._miss(started)
            if started.only_ends:
                return self._choose()
            return False if started.is_own else None
        if started.is_own:
            self._start(started)
        return True if started.is_certain else None

    def _start(self, started: Started) -> None:
        """A program runs: what was missed before has ended nothing."""
        self._found += [replace(one, severity=Severity.WARNING) for one, _ in self._missed]
        self._found += started.findings
        self._missed, self._has_started = [], True

    def _miss(self, started: Started) -> None:
        """A program can't be started, and the script goes on, if `set -e` lets it."""
        self._is_last_missed = True
        for one in started.findings:
            is_open = not started.is_own and "e" in self._at.options and not self._tested
            if self._has_started or is_open or not _is_error(one):
                self._found.append(_weaker(one))
            else:
                self._missed.append((one, started.is_own))


def _is_error(found: Finding) -> bool:
    return found.severity is Severity.ERROR


def _weaker(found: Finding) -> Finding:
    return replace(found, severity=Severity.UNKNOWN) if _is_error(found) else found


def _not_followed(reason: str, line: int, where: str) -> Finding:
    return finding(
        "script-not-followed",
        where,
        f"can't be followed beyond line {line}: {reason}; whether the function starts can't be"
        " told",
        hint="try it: `shim run`; or let `bootstrap` be a launcher: pack it with `shim pack`",
    )


def _ended(where: str, when: str) -> Finding:
    return finding(
        "script-ends",
        where,
        f"ends{when} before it has started anything",
        hint="end it with `exec` and the program that is to run",
    )
