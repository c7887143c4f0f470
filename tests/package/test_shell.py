"""Shell scripts as trees: what is read, and what is said not to be understood."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.package import shell_tree
from shim.package.shell import Unclear, read_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

ROOT = Path(__file__).parents[2]


PARTS = {"comment", "do_group", "string_content"}
"""What is neither a statement nor a word."""


def tree(text: str) -> Node:
    root = read_script(f"#!/bin/sh\n{text}\n".encode())
    assert not isinstance(root, Unclear)
    return root


def only(text: str) -> Node:
    (statement,) = shell_tree.statements(tree(text).children)
    return statement


def inside(found: Node | Unclear) -> Iterator[Unclear]:
    """What isn't understood, wherever it stands; not what is in that."""
    if isinstance(found, Unclear):
        yield found
    elif found.type not in PARTS and (unread := shell_tree.unread(found)):
        yield unread
    else:
        for one in found.children:
            yield from inside(one)


def words(text: str) -> list[Node]:
    return shell_tree.command_words(only(text))[0]


def text(node: Node) -> str:
    """A word's text, where it has nothing else."""
    match node.type:
        case "string":
            return "".join(one for one, _ in shell_tree.string_parts(node))
        case "concatenation":
            return "".join(map(text, node.children))
        case _:
            return shell_tree.literal(node)


def test_a_command_has_its_words_without_their_quotes() -> None:
    script = 'exec \'./a b\' "c  d" e\\$f g\'h\'"i" "" \\\n  -x=1'
    assert [text(word) for word in words(script)] == [
        *("exec", "./a b", "c  d", "e$f", "ghi", "", "-x=1"),
    ]


def test_blanks_between_variables_in_a_string_are_kept() -> None:
    _, string = words('echo "$a  $b"')
    parts = [
        (before, shell_tree.expansion(part)[0] if part else "")
        for before, part in shell_tree.string_parts(string)
    ]
    assert parts == [("", "a"), ("  ", "b"), ("", "")]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("$X", ("X", "", "")),
        ("${X}", ("X", "", "")),
        ("${X%.*}", ("X", "%", ".*")),
        ("${X##*/}", ("X", "##", "*/")),
        ("${X:-app}", ("X", ":-", "app")),
    ],
)
def test_what_is_done_to_a_variable_is_read(script: str, expected: tuple[str, str, str]) -> None:
    (variable,) = words(script)
    assert shell_tree.unread(variable) is None
    name, operator, operands = shell_tree.expansion(variable)
    assert (name, operator, "".join(map(shell_tree.text_of, operands))) == expected


def test_what_a_command_prints_is_read_in_both_spellings() -> None:
    for script in ("$(uname -m)", "`uname -m`"):
        _, output = words(f"echo {script}")
        (command,) = shell_tree.statements(output.children)
        assert [text(word) for word in shell_tree.command_words(command)[0]] == ["uname", "-m"]


def test_assignments_and_exports_are_read() -> None:
    given, assigned = shell_tree.command_words(only("A=1 B= exec x"))
    assert [text(word) for word in given] == ["exec", "x"]
    pairs = [shell_tree.assignment(one) for one in assigned]
    assert [(name, value and text(value)) for name, value in pairs] == [("A", "1"), ("B", None)]
    assert [word.type for word in words("export A=1 B")] == [
        *("export", "variable_assignment", "variable_name"),
    ]


def test_what_decides_is_read() -> None:
    both = list(shell_tree.clauses(only("if a; then b; elif c; then d; e; else f; g; h; fi")))
    assert [(len(tests), len(body)) for tests, body in both] == [(1, 1), (1, 2), (0, 3)]
    bracket = [text(word) for word in words("[ -f x -a y = z ]")]
    assert bracket == ["[", "-f", "x", "-a", "y", "=", "z", "]"]


def test_each_pattern_of_a_case_has_what_it_lets_happen() -> None:
    cases = shell_tree.cases(only('case "$x" in a|"b c") d;; *.so) ;; "") d; e;; x?|"*") f;; esac'))
    assert [(shell_tree.pattern_of(pattern), len(body)) for pattern, body in cases] == [
        *(("a", 1), (None, 1), ("*.so", 0), ("", 2), (None, 1), (None, 1)),
    ]


def test_a_loop_without_an_end_is_read() -> None:
    for script in ("while true; do a; b; done", "while :\ndo\na\nb\ndone"):
        assert not list(inside(only(script)))


def test_harmless_redirections_and_texts_leave_the_command() -> None:
    for script in ("a >/dev/null 2>&1", "a >> /tmp/log", "a <<EOF\nb $c\nEOF"):
        assert [text(word) for word in words(script)] == ["a"]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("(cd a; ./b)", 2),
        ("a+=(1 2)", 2),
        ("a[0]=b", 2),
        ("a > b", 2),
        ("\n\nfor ((i=0;i<3;i++)); do a; done", 4),
        ("f() { a; }", 2),
        ("a=(1 2)", 2),
        ("for x in a b; do c; done", 2),
        ("until a; do b; done", 2),
        ("while read x; do a; done", 2),
        ("true; a &", 2),
        ("! a | b", 2),
        ("a && b &", 2),
        ("case x in a) b;& c) d;; esac", 2),
    ],
)
def test_what_is_not_understood_says_its_line(script: str, line: int) -> None:
    assert [one.line for one in inside(tree(script))] == [line]


@pytest.mark.parametrize("script", ["if a; then", "a\0b", "a\\ b", "a\r"])
def test_a_text_that_is_taken_apart_in_another_way_is_not_read(script: str) -> None:
    unclear = read_script(f"#!/bin/sh\n{script}\n".encode())
    assert isinstance(unclear, Unclear)
    assert unclear.line == 2


@pytest.mark.parametrize(
    "script",
    ["*.so", "~/x", "{a,b}", "$((1+1))", "$'a'", "${!x}", "${x[y]}", "${x/a/b}", '${x%"*"}', "${}"],
)
def test_a_word_that_is_not_understood_is_marked(script: str) -> None:
    assert list(inside(words(f"exec {script}")[1]))


def test_what_is_nested_without_end_is_refused() -> None:
    deep = "$(" * 5000 + ")" * 5000
    for script in ("if a; then " * 3000 + "fi;" * 3000, f"exec {deep}", "{ " * 99 + "a; }" * 99):
        assert list(inside(read_script(script.encode())))


@pytest.mark.parametrize("piece", ["<<EOF\n", "<<-E\n", "a=(", "a=(b\n", "<<E $x ", "((", "${a["])
def test_no_script_takes_much_memory(piece: str) -> None:
    code = (
        "import sys; from shim.package.shell import read_script\n"
        "for size in (1 << 10, 1 << 13, 1 << 15, 1 << 16):\n"
        "    read_script((sys.argv[1] * size).encode()[:size])\n"
        "sys.path.append(sys.argv[2]); from tests.memory import peak_memory\n"
        "print(peak_memory() >> 20)"
    )
    words = [sys.executable, "-c", code, piece, str(ROOT)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150, "MB; these took up to 1,500"


def test_broken_scripts_end_in_trees() -> None:
    rng = random.Random(7)
    pieces = (
        *('"', "'", "$(", ")", "`", "${", "}", "if ", "then ", "fi", "case x in ", "esac", ";;"),
        *("<<EOF\n", "\n", "&&", "|", "&", "exec ", "./a", "$_HANDLER", "[ ", "]", "while ", "do "),
        *("done", "f()", "{", "}", "\\", "#", "A=", "\xff", "\t", ";", "((", "))", "[[", "]]"),
    )
    for _ in range(1500):
        script = "".join(rng.choices(pieces, k=rng.randrange(1, 30)))
        list(inside(read_script(script.encode("latin-1"))))


def test_the_parser_is_imported_where_a_script_is_read_and_not_before() -> None:
    code = "import sys, shim.check, shim.package.shell; sys.exit('tree_sitter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
