"""Follows a shell script: which programs of the package it starts, and whether they can be.

Every way through the script is followed, within limits: where what decides isn't known, both.
What is done by the runtime's own programs is not; where it would matter, the answer is "unknown".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.check.commands import Commands
from shim.check.conditions import matches
from shim.check.findings import Severity, finding
from shim.check.programs import Programs
from shim.check.situation import Leaving, Situation
from shim.check.words import Words
from shim.package.shell import (
    Array,
    Case,
    Command,
    Either,
    Function,
    Group,
    If,
    Loop,
    Not,
    Output,
    Pipe,
    Unclear,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.check.execution import Machine
    from shim.check.findings import Finding
    from shim.check.programs import Begin
    from shim.package.shell import Statement, Word

_WAYS_LIMIT = 64
_STEPS_LIMIT = 2000
_DEPTH_LIMIT = 25
_WEAKER = {Severity.ERROR: Severity.UNKNOWN}


class Script:
    """One script that is followed; people know it as `where`."""

    def __init__(self, machine: Machine, begin: Begin, *, where: str) -> None:
        self._where = where
        self._words = Words(machine)
        programs = Programs(machine, self._words, begin, where=where)
        self._commands = Commands(self._words, programs, self.walk)
        self._steps = 0

    def findings(self, statements: tuple[Statement, ...], begin: Situation) -> list[Finding]:
        """What is found on all ways through it; errors that only some ways meet are unknown."""
        endings = [self._ending(at) for at in self.walk(statements, begin, depth=0)]
        failing = [_fails(ending) for ending in endings]
        found = [one for ending in endings for one in ending]
        if any(failing) and not all(failing):
            found = [_weaker(one) for one in found]
        return list(dict.fromkeys(found))

    def walk(
        self, statements: Iterable[Statement], at: Situation, *, depth: int
    ) -> list[Situation]:
        """Every situation behind the statements."""
        ways = [at]
        for statement in statements:
            ways = [
                after
                for way in ways
                for after in (self._step(statement, way, depth + 1) if way.goes_on else [way])
            ]
            if len(ways) > _WAYS_LIMIT:
                return [at.stuck(Unclear(line=0, reason="too many ways lead through it"), 1)]
        return ways

    def _step(  # noqa: C901 - a table of statements
        self, statement: Statement, at: Situation, depth: int
    ) -> list[Situation]:
        self._steps += 1
        if self._steps > _STEPS_LIMIT or depth > _DEPTH_LIMIT:
            return [at.stuck(Unclear(line=0, reason="it is too long to be followed"), 1)]
        match statement:
            case Command():
                return self._command(statement, at, depth)
            case Array() if not at.is_bash:
                reason = "an array, and `sh` is not bash here"
                return [at.stuck(Unclear(line=statement.line, reason=reason), 1)]
            case Array():
                members = tuple(self._words.fields(statement.words, at))
                return [replace(at, arrays={**at.arrays, statement.name: members}, status=0)]
            case Group():
                return self.walk(statement.statements, at, depth=depth)
            case Not():
                ways = self._condition((statement.statement,), at, depth)
                return [way.with_status(_negated(way.status)) for way in ways]
            case Either():
                return self._either(statement, at, depth)
            case Pipe():
                ways = self._aside(statement.statements, at, depth)
                return [way.with_status(None) for way in ways]
            case If():
                return self._if(statement, at, depth)
            case Case():
                return self._case(statement, at, depth)
            case Loop():
                return self._loop(statement, at, depth)
            case Function():
                functions = {**at.functions, statement.name: statement.statements}
                return [replace(at, functions=functions, status=0)]
            case Unclear():
                return [at.stuck(statement, statement.line)]

    def _command(self, command: Command, at: Situation, depth: int) -> list[Situation]:
        inner = [
            statement
            for word in (*command.words, *(word for _, word in command.assigned))
            for statement in _inside(word)
        ]
        ways = self._aside(inner, at, depth) if inner else [at]
        return [
            after
            for way in ways
            for after in (
                self._strict(self._commands.do(command, way, depth=depth), is_strict=at.is_strict)
                if way.goes_on
                else [way]
            )
        ]

    def _strict(self, ways: list[Situation], *, is_strict: bool) -> list[Situation]:
        """Under `set -e` a command that fails ends the script."""
        return [
            replace(way, leaving=Leaving.SCRIPT)
            if is_strict and way.is_strict and way.goes_on and way.status not in {0, None}
            else way
            for way in ways
        ]

    def _condition(
        self, statements: tuple[Statement, ...], at: Situation, depth: int
    ) -> list[Situation]:
        """Statements whose failing ends nothing."""
        ways = self.walk(statements, replace(at, is_strict=False), depth=depth)
        return [replace(way, is_strict=at.is_strict) for way in ways]

    def _aside(self, statements: Iterable[Statement], at: Situation, depth: int) -> list[Situation]:
        """Statements in a process of their own, `$(…)` or a pipe's: what they start counts."""
        for statement in statements:
            ways = self._condition((statement,), at, depth)
            stuck = next((way for way in ways if way.unclear), None)
            if stuck:
                return [stuck]
            at = replace(
                at,
                has_run=at.has_run or any(way.has_run or way.result is not None for way in ways),
                has_acted=at.has_acted or any(way.has_acted for way in ways),
                failures=max((way.failures for way in ways), key=len),
            )
        return [at]

    def _either(self, statement: Either, at: Situation, depth: int) -> list[Situation]:
        after: list[Situation] = []
        for way in self._condition((statement.left,), at, depth):
            if not way.goes_on:
                after.append(way)
                continue
            if way.status is None or (way.status == 0) == statement.is_and:
                after += self._step(statement.right, way, depth + 1)
            if way.status is None or (way.status == 0) != statement.is_and:
                after.append(way)
        return after

    def _if(self, statement: If, at: Situation, depth: int) -> list[Situation]:
        after, ways = [], [at]
        for condition, body in statement.branches:
            others = []
            for way in ways:
                for tested in self._condition(condition, way, depth):
                    if not tested.goes_on:
                        after.append(tested)
                        continue
                    if tested.status in {0, None}:
                        after += self.walk(body, tested.with_status(0), depth=depth)
                    if tested.status != 0:
                        others.append(tested.with_status(0))
            ways = others
        for way in ways:
            after += self.walk(statement.otherwise, way, depth=depth)
        return after

    def _case(self, statement: Case, at: Situation, depth: int) -> list[Situation]:
        value = self._words.text(statement.word, at)
        after: list[Situation] = []
        for patterns, body in statement.branches:
            fits = [matches(value, self._words.text(pattern, at)) for pattern in patterns]
            if True in fits:
                return [*after, *self.walk(body, at.with_status(0), depth=depth)]
            if None in fits:
                after += self.walk(body, at.with_status(0), depth=depth)
        return [*after, at.with_status(0)]

    def _loop(self, statement: Loop, at: Situation, depth: int) -> list[Situation]:
        """None of its rounds, or one that stands for all: what is set in it isn't known."""
        changed = set(_assigned((*statement.condition, *statement.statements)))
        for name in {*changed, *([statement.variable] if statement.variable else [])}:
            unclear = Unclear(line=0, reason=f"`{name}` changes in a loop")
            at = at.with_variable(name, unclear)
        at = replace(at, arrays={k: v for k, v in at.arrays.items() if k not in changed})
        after: list[Situation] = []
        for way in (
            self._condition(statement.condition, at, depth)
            if statement.condition
            else [at.with_status(None)]
        ):
            if way.goes_on and way.status in {0, None}:
                for done in self.walk(statement.statements, way, depth=depth):
                    is_left = done.leaving is Leaving.ROUND
                    # A loop that nothing leaves is what the function does from there on.
                    is_endless = way.status == 0 and done.goes_on
                    end = Leaving.SCRIPT if is_endless else done.leaving
                    after.append(replace(done, leaving=None if is_left else end, status=None))
            if not way.goes_on or way.status != 0:
                after.append(way if not way.goes_on else way.with_status(0))
        return after

    def _ending(self, at: Situation) -> list[Finding]:
        """What is found on one way: what it ran and could not, and how it ended."""
        where = self._where
        if at.unclear:
            return [_not_followed(at.unclear, where), *self._failures(at, is_over=False)]
        if at.result is not None:
            doubted = [_weaker(one) for one in at.result] if at.has_run else list(at.result)
            return [*doubted, *self._failures(at, is_over=not _fails(at.result))]
        failures = self._failures(at, is_over=at.has_run)
        is_idle = not at.has_acted or at.status not in {0, None}
        if not failures and not at.has_run and is_idle and at.leaving is not Leaving.FUNCTION:
            return [_ended(where, at.status)]
        return failures

    def _failures(self, at: Situation, *, is_over: bool) -> list[Finding]:
        """Programs that it could not start, as what came afterwards leaves them."""
        found = []
        for index, failure in enumerate(at.failures, start=1):
            is_last = at.is_last_missing and index == len(at.failures)
            for one in failure.findings:
                if one.severity is not Severity.ERROR:
                    found.append(one)
                elif at.unclear or failure.is_after_another or (failure.is_strict and not is_last):
                    found.append(_weaker(one))
                elif is_over:
                    found.append(replace(one, severity=Severity.WARNING))
                else:
                    found.append(one if failure.is_certain or is_last else _weaker(one))
        return found


def _inside(word: Word) -> Iterator[Statement]:
    """Statements of a word's `$(…)`."""
    for part in word:
        if isinstance(part, Output):
            yield from part.statements
        elif isinstance(part, Variable):
            yield from _inside(part.operand)


def _assigned(statements: Iterable[Statement]) -> Iterator[str]:  # noqa: C901 - a table
    """Names that are set somewhere in them."""
    for statement in statements:
        match statement:
            case Command():
                yield from (name for name, _ in statement.assigned)
                yield from _named(statement)
            case Group() | Pipe() | Function():
                yield from _assigned(statement.statements)
            case Not():
                yield from _assigned((statement.statement,))
            case Either():
                yield from _assigned((statement.left, statement.right))
            case If():
                for condition, body in statement.branches:
                    yield from _assigned((*condition, *body))
                yield from _assigned(statement.otherwise)
            case Case():
                for _, body in statement.branches:
                    yield from _assigned(body)
            case Loop():
                yield from [statement.variable] if statement.variable else []
                yield from _assigned((*statement.condition, *statement.statements))
            case Array():
                yield statement.name
            case Unclear():
                pass


def _named(command: Command) -> Iterator[str]:
    """Names in `export NAME=…`, `read NAME` and their like."""
    for word in command.words[1:]:
        text = getattr(word[0], "text", "") if word else ""
        if text.partition("=")[0].isidentifier():
            yield text.partition("=")[0]


def _negated(status: int | None) -> int | None:
    return None if status is None else int(status == 0)


def _fails(found: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in found)


def _weaker(found: Finding) -> Finding:
    return replace(found, severity=_WEAKER.get(found.severity, found.severity))


def _not_followed(unclear: Unclear, where: str) -> Finding:
    return finding(
        "script-not-followed",
        where,
        f"can't be followed beyond line {unclear.line}: {unclear.reason}; whether the function"
        " starts can't be told",
        hint="try it: `shim run`; or let `bootstrap` be a launcher: pack it with `shim pack`",
    )


def _ended(where: str, status: int | None) -> Finding:
    how = f" with the exit status {status}" if status else ""
    return finding(
        "script-ends",
        where,
        f"ends{how} before it has started anything",
        hint="end it with `exec` and the program that is to run",
    )
