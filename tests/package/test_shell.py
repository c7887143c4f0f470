"""Shell scripts as statements: what is read, and what is said not to be understood."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shim.package.script import read_script
from shim.package.shell import (
    LIKE,
    Command,
    Either,
    Endless,
    Group,
    If,
    Not,
    Output,
    Statement,
    Text,
    Unclear,
    Variable,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def only(text: str) -> Statement:
    return read_script(f"#!/bin/sh\n{text}\n".encode())


def inside(statement: object) -> Iterator[Unclear]:
    """What isn't understood, wherever it stands."""
    if isinstance(statement, Unclear):
        yield statement
    elif isinstance(statement, tuple):
        for one in statement:
            yield from inside(one)
    elif dataclasses.is_dataclass(statement):
        for field in dataclasses.fields(statement):
            yield from inside(getattr(statement, field.name))


def count(statement: Statement) -> int:
    return len(statement.statements) if isinstance(statement, Group) else 1


def words(text: str) -> list[Word]:
    command = only(text)
    assert isinstance(command, Command)
    return list(command.words)


def test_a_command_has_its_words_without_their_quotes() -> None:
    text = "exec './a b' \"c  d\" e\\$f g'h'\"i\" \\\n  -x=1"
    assert words(text) == [
        (Text(text="exec"),),
        (Text(text="./a b"),),
        (Text(text="c  d"),),
        (Text(text="e$f"),),
        (Text(text="g"), Text(text="h"), Text(text="i")),
        (Text(text="-x=1"),),
    ]


@pytest.mark.parametrize("text", ["$_HANDLER", "${_HANDLER}"])
def test_a_variable_is_seen_quoted_or_not(text: str) -> None:
    assert words(f"exec {text}")[1] == (Variable(name="_HANDLER", is_quoted=False),)
    assert words(f'exec "./{text}-x"')[1] == (
        Text(text="./"),
        Variable(name="_HANDLER", is_quoted=True),
        Text(text="-x"),
    )


def test_blanks_between_variables_in_a_string_are_kept() -> None:
    (_, (first, blanks, last)) = words('echo "$a  $b"')
    assert (first, blanks, last) == (
        Variable(name="a", is_quoted=True),
        Text(text="  "),
        Variable(name="b", is_quoted=True),
    )


@pytest.mark.parametrize(
    ("text", "operator", "operand"),
    [
        ("${X%.*}", "%", ".*"),
        ("${X##*/}", "##", "*/"),
        ("${X:-app}", ":-", "app"),
    ],
)
def test_what_is_done_to_a_variable_is_read(text: str, operator: str, operand: str) -> None:
    ((variable,),) = words(text)
    assert isinstance(variable, Variable)
    assert variable.operator == operator
    assert "".join(part.text for part in variable.operand if isinstance(part, Text)) == operand


def test_what_a_command_prints_is_read_in_both_spellings() -> None:
    for text in ("$(uname -m)", "`uname -m`"):
        (_, (output,)) = words(f"echo {text}")
        assert isinstance(output, Output)
        assert isinstance(output.statement, Command)
        assert output.statement.words == ((Text(text="uname"),), (Text(text="-m"),))


def test_assignments_and_exports_are_read() -> None:
    assert only("A=1 B= exec x") == Command(
        line=2,
        words=((Text(text="exec"),), (Text(text="x"),)),
        assigned=(("A", (Text(text="1"),)), ("B", ())),
    )
    assert words("export A=1 B") == [
        (Text(text="export"),),
        (Text(text="A="), Text(text="1")),
        (Text(text="B"),),
    ]


def test_what_decides_is_read() -> None:
    one = only("a && b || ! c")
    assert isinstance(one, Either)
    assert not one.is_and
    assert isinstance(one.right, Not)
    one = only("if a; then b; elif c; then d; e; else f; g; h; fi")
    assert isinstance(one, If)
    assert isinstance(one.otherwise, If)
    bodies = (one.then, one.otherwise.then, one.otherwise.otherwise)
    assert [count(body) for body in bodies] == [1, 2, 3]
    assert words('[ -f "$x" -a y = z ]')[:2] == [(Text(text="["),), (Text(text="-f"),)]


def test_a_case_is_read_as_the_if_that_it_is_short_for() -> None:
    one = only('case "$x" in a|b) c;; *) d; e;; esac')
    conditions = []
    while isinstance(one, If):
        assert isinstance(one.condition, Command)
        conditions.append(one.condition.words)
        one = one.otherwise
    x = (Variable(name="x", is_quoted=True),)
    bracket, equals, end = ((Text(text=text),) for text in ("[", LIKE, "]"))
    assert conditions == [
        (bracket, x, equals, (Text(text="a"),), end),
        (bracket, x, equals, (Text(text="b"),), end),
        ((Text(text="true"),),),
    ]


def test_a_loop_without_an_end_is_read() -> None:
    for text in ("while true; do a; b; done", "while :\ndo\na\nb\ndone"):
        loop = only(text)
        assert isinstance(loop, Endless)
        assert count(loop.body) == 2


def test_harmless_redirections_and_texts_leave_the_command() -> None:
    for text in ("a >/dev/null 2>&1", "a >> /tmp/log", "a <<EOF\nb $c\nEOF"):
        assert only(text) == Command(line=2, words=((Text(text="a"),),))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("(cd a; ./b)", 2),
        ("a+=(1 2)", 2),
        ("a[0]=b", 2),
        ("a > b", 2),
        ("\n\nfor ((i=0;i<3;i++)); do a; done", 4),
        ("if a; then", 2),
        ("f() { a; }", 2),
        ("a=(1 2)", 2),
        ("for x in a b; do c; done", 2),
        ("until a; do b; done", 2),
        ("while read x; do a; done", 2),
        ("true; a &", 2),
        ("case x in a?) b;; esac", 2),
        ("a && b &", 2),
        ("a\0b", 2),
        ("a\\ b", 2),
        ("a\r", 2),
    ],
)
def test_what_is_not_understood_says_its_line(text: str, line: int) -> None:
    unclear = list(inside(only(text)))
    assert [one.line for one in unclear] == [line]
    assert all(one.reason for one in unclear)


@pytest.mark.parametrize(
    "text", ["*.so", "~/x", "{a,b}", "$((1+1))", "$'a'", "${!x}", "${x[y]}", "${x/a/b}", '${x%"*"}']
)
def test_a_word_that_is_not_understood_is_marked(text: str) -> None:
    assert list(inside(words(f"exec {text}")[1]))


def test_what_is_nested_without_end_is_refused() -> None:
    deep = "$(" * 5000 + ")" * 5000
    for text in ("if a; then " * 3000 + "fi;" * 3000, f"exec {deep}", "{ " * 5000 + "a; }" * 5000):
        assert list(inside(read_script(text.encode())))


def test_broken_scripts_end_in_statements() -> None:
    rng = random.Random(7)
    pieces = (
        *('"', "'", "$(", ")", "`", "${", "}", "if ", "then ", "fi", "case x in ", "esac", ";;"),
        *("<<EOF\n", "\n", "&&", "|", "&", "exec ", "./a", "$_HANDLER", "[ ", "]", "while ", "do "),
        *("done", "f()", "{", "}", "\\", "#", "A=", "\xff", "\t", ";", "((", "))", "[[", "]]"),
    )
    for _ in range(1500):
        text = "".join(rng.choices(pieces, k=rng.randrange(1, 30)))
        read_script(text.encode("latin-1"))


def test_the_parser_is_imported_where_a_script_is_read_and_not_before() -> None:
    code = "import sys, shim.check, shim.package.script; sys.exit('tree_sitter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
