"""What a shell script says, as far as it is read: statements, words, and where it isn't.

`shell_parser.py` reads the text; nothing is evaluated here, and nothing is known of a package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

SHELLS = frozenset({"sh", "bash", "dash"})
"""Interpreters whose scripts are read."""

LIKE = "\0"
"""An operator of `[` that nobody can write: whether a text fits a pattern of `case`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """A statement, or a part of a word, that isn't read or isn't known."""

    reason: str
    """As it goes on after "line 7: "."""
    line: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Text as it stands there, without its quotes."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """`$NAME` or `${NAME}`, or `${NAME<operator><operand>}`."""

    name: str
    is_quoted: bool
    operator: str = ""
    operand: Word = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What a statement prints: `$(…)`."""

    statement: Statement
    is_quoted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command: `NAME=VALUE… WORD…`; without words it only sets variables."""

    line: int
    words: tuple[Word, ...]
    assigned: tuple[tuple[str, Word], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Statements that stand where one does."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Not:
    """`! STATEMENT`."""

    statement: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Either:
    """`LEFT && RIGHT`, `LEFT || RIGHT`."""

    left: Statement
    is_and: bool
    right: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipe:
    """`ONE | OTHER | …`."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class If:
    """`if … then … else … fi`; `elif` is an `if` in what is done otherwise."""

    condition: Statement
    then: Statement
    otherwise: Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Endless:
    """`while true`: what a custom runtime does."""

    body: Statement


Part: TypeAlias = Text | Variable | Output | Unclear
Word: TypeAlias = tuple[Part, ...]
Statement: TypeAlias = Command | Group | Not | Either | Pipe | If | Endless | Unclear
