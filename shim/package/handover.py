"""What a shell `bootstrap` does besides handing over to the handler: a launcher would not do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.package.script import read_script
from shim.package.shell import (
    Command,
    Either,
    Endless,
    Group,
    If,
    Not,
    Output,
    Pipe,
    Text,
    Unclear,
    Variable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.package.shell import Statement, Word

_HANDLER = "_HANDLER"
_ENVIRONMENT = ("AWS_", "LAMBDA_", "LANG", "LD_", "PATH", "TZ", _HANDLER)
"""So begin variables that Lambda exports: setting them changes what the handler sees."""

_SILENT = {"set", "true", ":", "[", "[[", "test", "exit"}
_ASKING = {"uname", "arch", "dirname", "basename", "pwd", "readlink", "realpath", "echo", "cd"}
"""What only asks, inside of `$(…)`."""


def lost_with(script: bytes) -> tuple[str, ...]:
    """What goes with the script where a launcher takes its place; nothing if that does it all."""
    return tuple(dict.fromkeys(_lost(read_script(script), {_HANDLER})))


def _lost(statement: Statement, handlers: set[str]) -> Iterator[str]:
    """What is lost with a statement; `handlers` are the variables that lead to the handler."""
    match statement:
        case Unclear(line=line, reason=reason):
            yield f"line {line}, {reason}"
        case Command():
            yield from _lost_command(statement, handlers)
        case Group(statements=inner):
            yield from _lost_in(inner, handlers)
        case Not(statement=inner):
            yield from _lost(inner, handlers)
        case Either(left=left, right=right):
            yield from _lost_in((left, right), handlers)
        case If(condition=condition, then=then, otherwise=otherwise):
            yield from _lost_in((condition, then, otherwise), handlers)
        case Endless():
            yield "a loop"
        case Pipe():
            yield "a pipe"


def _lost_in(statements: Iterable[Statement], handlers: set[str]) -> Iterator[str]:
    for statement in statements:
        yield from _lost(statement, handlers)


def _lost_command(command: Command, handlers: set[str]) -> Iterator[str]:
    line = command.line
    for name, value in command.assigned:
        yield from _unread(value, line=line)
        if command.words or name.startswith(_ENVIRONMENT):
            yield f"line {line}, the variable `{name}`"
        elif _leads_to(value, handlers):
            handlers.add(name)
    words = command.words[1:] if command.words[:1] == ((Text(text="exec"),),) else command.words
    if words:
        yield from _lost_words(words, handlers, line=line)


def _lost_words(words: tuple[Word, ...], handlers: set[str], *, line: int) -> Iterator[str]:
    name = "".join(part.text for part in words[0] if isinstance(part, Text))
    read = words if name in _SILENT else words[:1]
    for word in read:
        yield from _unread(word, line=line)
    if name in _SILENT:
        return
    if name == "cd":
        if not all(map(_is_task_root, words[1:])):
            yield f"line {line}, another folder to work in"
    elif not _leads_to(words[0], handlers):
        yield f"line {line}, `{name or '…'}`"
    elif not all(map(_is_own_arguments, words[1:])):
        yield f"line {line}, the handler's arguments"


def _unread(word: Word, *, line: int) -> Iterator[str]:
    for part in word:
        if isinstance(part, Unclear):
            yield f"line {part.line}, {part.reason}"
        if isinstance(part, Output) and not _only_asks(part.statement):
            yield f"line {line}, what is run for its output"


def _only_asks(statement: Statement) -> bool:
    match statement:
        case Either(left=left, right=right):
            return _only_asks(left) and _only_asks(right)
        case Command(words=((Text(text=name),), *_)):
            return name in _ASKING
        case _:
            return False


def _leads_to(word: Word, handlers: set[str]) -> bool:
    return any(isinstance(part, Variable) and part.name in handlers for part in word)


def _is_task_root(word: Word) -> bool:
    match word:
        case (Variable(name="LAMBDA_TASK_ROOT"),) | (Text(text="/var/task" | "."),):
            return True
        case (Output(statement=Command(words=(_, (Variable(name="0"),)))),):
            return True
        case _:
            return False


def _is_own_arguments(word: Word) -> bool:
    return len(word) == 1 and isinstance(word[0], Variable) and word[0].name == "@"
