"""What the shell's own commands do in a script; all others are programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shim.check.conditions import holds
from shim.check.situation import Leaving, Situation
from shim.package.shell import Text, Unclear

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shim.check.programs import Programs
    from shim.check.situation import Value
    from shim.check.words import Words
    from shim.package.shell import Command, Statement, Word

_NOTHING = frozenset({":", "true", "umask", "ulimit", "shopt", "trap", "wait", "hash", "times"})
_SAYING = frozenset({"echo", "printf"})
_TESTS = frozenset({"test", "[", "[["})
_DECLARING = frozenset({"export", "declare", "local", "readonly", "typeset"})
_LEAVING = {
    "exit": Leaving.SCRIPT,
    "return": Leaving.FUNCTION,
    "break": Leaving.ROUND,
    "continue": Leaving.ROUND,
}
_UNFOLLOWED = frozenset(
    {"eval", "getopts", "let", "alias", "enable", "mapfile", "select", "coproc", "time", "builtin"}
)
"""What may do anything, or change what words mean."""


class Walk(Protocol):
    """Follows statements; see `Script.walk`."""

    def __call__(
        self, statements: Iterable[Statement], at: Situation, *, depth: int
    ) -> list[Situation]: ...


class Commands:
    """Carries out a script's commands; `walk` follows the bodies of its functions."""

    def __init__(self, words: Words, programs: Programs, walk: Walk) -> None:
        self._words, self._programs, self._walk = words, programs, walk

    def do(self, command: Command, at: Situation, *, depth: int) -> list[Situation]:
        """Every situation behind the command."""
        own = at
        for name, word in command.assigned:
            own = own.with_variable(name, self._words.text(word, at))
        fields = self._words.fields(command.words, at)
        if not fields:
            return [own.with_status(0)]
        after = self._named(command, fields, own, depth)
        if command.assigned:
            # They were set for this command alone.
            after = [replace(way, variables=at.variables) for way in after]
        if command.is_background:
            after = [way.with_status(0) if way.goes_on else way for way in after]
        return after

    def _named(
        self, command: Command, fields: Sequence[Value], at: Situation, depth: int
    ) -> list[Situation]:
        name, *rest = fields
        if name == "type" and len(rest) == 1:
            return self._named(command, ["command", "-v", *rest], at, depth)
        if isinstance(name, Unclear):
            return [at.stuck(name, command.line)]
        if name in at.functions:
            return self._call(at.functions[name], rest, at, depth)
        if name == "." or (name == "source" and at.is_bash):
            return self._read_in(rest, at, command.line, depth)
        if name in _UNFOLLOWED:
            return [at.stuck(Unclear(line=0, reason=f"what `{name}` does"), command.line)]
        if not at.is_bash and _is_of_bash(fields):
            reason = f"`{name}` is bash's own, and `sh` is another shell here"
            return [at.stuck(Unclear(line=0, reason=reason), command.line)]
        own = self._own(name, command, rest, at)
        return [own or self._programs.run(fields, at, command.line)]

    def _own(
        self, name: str, command: Command, rest: Sequence[Value], at: Situation
    ) -> Situation | None:
        """What the shell does itself; None where it is a program's name."""
        if name in _NOTHING:
            return at.with_status(0)
        if name in _SAYING:
            return replace(at, has_acted=True, status=0)
        if name in _TESTS:
            answer = holds([name, *rest], self._words, at)
            return at.with_status(None if answer is None else int(not answer))
        if name in _DECLARING:
            return self._declare(command.words[1:], at)
        if name in _LEAVING:
            return _left(name, rest, at)
        if name == "cd":
            return self._changed_folder(rest, at)
        return _changed(name, rest, at)

    def _call(
        self, body: tuple[Statement, ...], arguments: Sequence[Value], at: Situation, depth: int
    ) -> list[Situation]:
        """The body of a function, or of a file that is read in."""
        inside = replace(at, arguments=tuple(arguments) or at.arguments)
        return [
            replace(
                way,
                arguments=at.arguments,
                leaving=None if way.leaving is Leaving.FUNCTION else way.leaving,
            )
            for way in self._walk(body, inside, depth=depth)
        ]

    def _read_in(
        self, rest: Sequence[Value], at: Situation, line: int, depth: int
    ) -> list[Situation]:
        read = self._programs.read_in(rest, at, line)
        if isinstance(read, Situation):
            return [read]
        return self._call(read, rest[1:], at, depth)

    def _declare(self, words: Sequence[Word], at: Situation) -> Situation:
        for word in words:
            first = word[0] if word else None
            if isinstance(first, Text) and "=" in first.text:
                name, _, text = first.text.partition("=")
                at = at.with_variable(name, self._words.text((Text(text=text), *word[1:]), at))
        return at.with_status(0)

    def _changed_folder(self, rest: Sequence[Value], at: Situation) -> Situation:
        paths = [word for word in rest if word not in {"--", "-P", "-L"}]
        if len(paths) != 1 or not isinstance(paths[0], str):
            return replace(at, folder=None, status=None)
        node = self._words.find(paths[0], at)
        if node is None:
            return replace(at, folder=None, status=None)
        folder = self._words.folder(paths[0], at)
        return at.with_status(1) if folder is None else replace(at, folder=folder, status=0)


def _changed(name: str, rest: Sequence[Value], at: Situation) -> Situation | None:
    """What changes variables and options, and nothing else."""
    match name:
        case "false":
            return at.with_status(1)
        case "set":
            return _set(rest, at)
        case "unset":
            for variable in rest:
                at = at.with_variable(str(variable), None)
            return at.with_status(0)
        case "shift" if not rest:
            return replace(at, arguments=at.arguments[1:], status=0)
        case "read":
            unclear = Unclear(line=0, reason="it depends on what is read")
            for variable in rest:
                at = at.with_variable(str(variable), unclear)
            return at.with_status(None)
        case _:
            return None


def _is_of_bash(fields: Sequence[Value]) -> bool:
    name = fields[0]
    is_test = name == "[[" or (name in _TESTS and "==" in fields)
    return is_test or name == "source" or (name == "set" and "pipefail" in fields)


def _left(name: str, rest: Sequence[Value], at: Situation) -> Situation:
    leaving = _LEAVING[name]
    if leaving is Leaving.ROUND:
        return replace(at, leaving=leaving)
    status: int | None = at.status
    if rest:
        is_known = isinstance(rest[0], str) and rest[0].isdecimal()
        status = int(str(rest[0])) & 255 if is_known else None
    return replace(at, leaving=leaving, status=status)


def _set(rest: Sequence[Value], at: Situation) -> Situation:
    """`set`: of its options, whether a command that fails ends the script."""
    words = [str(word) for word in rest]
    for index, word in enumerate(words):
        if word == "--":
            return replace(at, arguments=tuple(rest[index + 1 :]), status=0)
        is_long = words[index - 1 : index] in (["-o"], ["+o"]) and word == "errexit"
        if is_long or (word[:1] in {"-", "+"} and "e" in word[1:] and word[1:].isalpha()):
            sign = words[index - 1] if is_long else word
            at = replace(at, is_strict=sign.startswith("-"))
    return at.with_status(0)
