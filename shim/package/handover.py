"""What a shell `bootstrap` does besides handing over to the handler: a launcher would not do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.package.script import read_script
from shim.package.shell import (
    Case,
    Command,
    Either,
    Group,
    If,
    Not,
    Output,
    Text,
    Unclear,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.package.shell import Statement, Word

_HANDLER = "_HANDLER"
_ENVIRONMENT = {"PATH", "LD_LIBRARY_PATH", "LANG", "TZ", _HANDLER}
_ENVIRONMENTS = ("AWS_", "LAMBDA_")
"""Variables that Lambda exports: setting them changes what the handler sees."""

_SILENT = {"set", "true", ":", "[", "[[", "test", "exit"}
_ASKING = {"uname", "arch", "dirname", "basename", "pwd", "readlink", "realpath", "echo", "printf"}
"""What only asks, inside of `$(…)`."""


def lost_with(script: bytes) -> tuple[str, ...]:
    """What goes with the script where a launcher takes its place; nothing if that does it all."""
    return tuple(dict.fromkeys(_Reader().read(read_script(script))))


class _Reader:
    """Reads statements in their order, and knows which variables lead to the handler."""

    def __init__(self) -> None:
        self._handlers = {_HANDLER}

    def read(self, statements: Iterable[Statement]) -> Iterator[str]:
        for statement in statements:
            yield from self._read(statement)

    def _read(self, statement: Statement) -> Iterator[str]:
        match statement:
            case Unclear(line=line, reason=reason):
                yield f"line {line}, {reason}"
            case Command():
                yield from self._command(statement)
            case Group(statements=inner):
                yield from self.read(inner)
            case Not(statement=inner):
                yield from self._read(inner)
            case Either(left=left, right=right):
                yield from self.read((left, right))
            case If(branches=branches, otherwise=otherwise):
                for condition, body in branches:
                    yield from self.read((*condition, *body))
                yield from self.read(otherwise)
            case Case(word=word, branches=cases):
                yield from self._word(word, line=0)
                for _, body in cases:
                    yield from self.read(body)
            case _:
                yield f"a {type(statement).__name__.lower()}"

    def _command(self, command: Command) -> Iterator[str]:
        line = command.line
        for name, value in command.assigned:
            yield from self._word(value, line=line)
            if command.words or name in _ENVIRONMENT or name.startswith(_ENVIRONMENTS):
                yield f"line {line}, the variable `{name}`"
            elif self._leads_to_handler(value):
                self._handlers.add(name)
        if command.is_background:
            yield f"line {line}, a command in the background"
        if command.words:
            yield from self._words(command.words, line=line)

    def _words(self, words: tuple[Word, ...], *, line: int) -> Iterator[str]:
        name, *arguments = words
        text = _text(name)
        if text == "exec" and arguments:
            name, *arguments = arguments
        elif text in _SILENT:
            return
        elif text == "cd":
            if not all(_is_task_root(word) for word in arguments):
                yield f"line {line}, another folder to work in"
            return
        yield from self._word(name, line=line)
        if not self._leads_to_handler(name):
            yield f"line {line}, `{_text(name) or '…'}`"
        elif any(not _is_own_arguments(word) for word in arguments):
            yield f"line {line}, the handler's arguments"

    def _word(self, word: Word, *, line: int) -> Iterator[str]:
        for part in word:
            if isinstance(part, Unclear):
                yield f"line {part.line}, {part.reason}"
            if isinstance(part, Output) and not _only_asks(part.statements):
                yield f"line {line}, what is run for its output"

    def _leads_to_handler(self, word: Word) -> bool:
        return any(isinstance(part, Variable) and part.name in self._handlers for part in word)


def _only_asks(statements: Iterable[Statement]) -> bool:
    for statement in statements:
        if isinstance(statement, Either) and _only_asks((statement.left, statement.right)):
            continue
        if not isinstance(statement, Command) or not statement.words:
            return False
        if _text(statement.words[0]) not in _ASKING | {"cd"}:
            return False
    return True


def _text(word: Word) -> str:
    """A word that is nothing but text."""
    return "".join(part.text if isinstance(part, Text) else "\0" for part in word).partition("\0")[
        0
    ]


def _is_task_root(word: Word) -> bool:
    match word:
        case (Variable(name="LAMBDA_TASK_ROOT"),) | (Text(text="/var/task" | "."),):
            return True
        case (Output(statements=(Command(words=(_, (Variable(name="0"),))),)),):
            return True
        case _:
            return False


def _is_own_arguments(word: Word) -> bool:
    return len(word) == 1 and isinstance(word[0], Variable) and word[0].name == "@"
