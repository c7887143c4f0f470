"""Shell scripts as statements: what is read, and what is said not to be understood."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from shim.package.script import read_script
from shim.package.shell import (
    Case,
    Command,
    Either,
    Function,
    If,
    Loop,
    Not,
    Output,
    Text,
    Unclear,
    Variable,
    Word,
)


def only(text: str) -> object:
    (statement,) = read_script(f"#!/bin/sh\n{text}\n".encode())
    return statement


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
        ("${X/a/b}", "/", "a/b"),
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
        (inside,) = output.statements
        assert isinstance(inside, Command)
        assert inside.words == ((Text(text="uname"),), (Text(text="-m"),))


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
    branches = only("if a; then b; elif c; then d; e; else f; fi")
    assert isinstance(branches, If)
    assert [len(body) for _, body in branches.branches] == [1, 2]
    assert len(branches.otherwise) == 1
    case = only('case "$x" in a|b*) c;; *) d; e;; esac')
    assert isinstance(case, Case)
    assert [(len(patterns), len(body)) for patterns, body in case.branches] == [(2, 1), (1, 2)]
    assert words('[ -f "$x" -a y = z ]')[:2] == [(Text(text="["),), (Text(text="-f"),)]


def test_loops_and_functions_are_read() -> None:
    loop = only("while true; do a; b; done")
    assert isinstance(loop, Loop)
    assert (len(loop.condition), len(loop.statements)) == (1, 2)
    assert isinstance(only("for x in a b; do c; done"), Loop)
    function = only("f() { a; b; }")
    assert isinstance(function, Function)
    assert (function.name, len(function.statements)) == ("f", 2)


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
        ("a && b &", 2),
        ("a\0b", 2),
        ("a\\ b", 2),
        ("a\r", 2),
    ],
)
def test_what_is_not_understood_says_its_line(text: str, line: int) -> None:
    unclear = list(read_script(f"#!/bin/sh\n{text}\n".encode()))
    assert [one.line for one in unclear if isinstance(one, Unclear)] == [line]
    assert all(one.reason for one in unclear if isinstance(one, Unclear))


@pytest.mark.parametrize("text", ["*.so", "~/x", "{a,b}", "$((1+1))", "$'a'", "${!x}", "${x[y]}"])
def test_a_word_that_is_not_understood_is_marked(text: str) -> None:
    assert any(isinstance(part, Unclear) for part in words(f"exec {text}")[1])


def test_what_is_nested_without_end_is_refused() -> None:
    deep = "$(" * 5000 + ")" * 5000
    for text in ("if a; then " * 3000 + "fi;" * 3000, f"exec {deep}", "{ " * 5000 + "a; }" * 5000):
        assert read_script(text.encode())


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
