"""What a shell script says, as far as it is understood: statements, words, and where it isn't.

`script.py` reads the text; nothing is evaluated here, and nothing is known of a package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

SHELLS = frozenset({"sh", "bash", "dash"})
"""Interpreters whose scripts are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """A statement, or a part of a word, that isn't understood."""

    line: int
    reason: str
    """As it goes on after "line 7: "."""


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
    """What statements print: `$(…)`."""

    statements: tuple[Statement, ...]
    is_quoted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command: `NAME=VALUE… WORD…`; without words it only sets variables."""

    line: int
    words: tuple[Word, ...]
    assigned: tuple[tuple[str, Word], ...] = ()
    is_background: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Array:
    """`NAME=(WORD…)`; its members are the variables `NAME[0]` and so on, all of them `NAME[@]`."""

    line: int
    name: str
    words: tuple[Word, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Statements in braces, or several that stand where one does."""

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

    line: int
    statements: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class If:
    """`if … then … elif … then … else … fi`."""

    branches: tuple[tuple[tuple[Statement, ...], tuple[Statement, ...]], ...]
    """Conditions, and what is done then."""
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """`case WORD in PATTERN | PATTERN) … ;; … esac`."""

    word: Word
    branches: tuple[tuple[tuple[Word, ...], tuple[Statement, ...]], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """`while`, `until` and `for`."""

    condition: tuple[Statement, ...]
    """Empty for `for`."""
    statements: tuple[Statement, ...]
    variable: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """The definition of a function."""

    name: str
    statements: tuple[Statement, ...]


Part: TypeAlias = Text | Variable | Output | Unclear
Word: TypeAlias = tuple[Part, ...]
Statement: TypeAlias = (
    Command | Array | Group | Not | Either | Pipe | If | Case | Loop | Function | Unclear
)
