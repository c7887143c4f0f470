"""tree-sitter's tree of a shell script: which of its nodes are read, and what stands in them.

Nothing is evaluated here. Where the grammar takes a script apart in another way than the shell,
`unread` says so.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from shim.package.shell import SYNTAX, Unclear

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

_VARIABLES = frozenset({"variable_name", "special_variable_name"})
_OPERATORS = frozenset({"", ":-", "-", "%", "%%", "#", "##"})
_MEMBERS = frozenset({"BASH_SOURCE[0]", "BASH_VERSINFO[5]"})
"""Members of arrays that a script begins with."""

_GLOB = re.compile(r"(?<!\\)[*?\[{~$`]")
_PATTERN = re.compile(r"\*?[\w./:=+@%,-]*\*?")
"""A pattern of `case` that is text, or text with more in front or behind."""

_TRIM = re.compile(r"[\w./:=+@%,-]*\*?[\w./:=+@%,-]*")
"""What is cut off a variable: text, with one `*` at most."""

_HARMLESS = re.compile(r"[0-9]+-?|/dev/(null|stdout|stderr|fd/[0-9])|/tmp/.+")
_ENDLESS = re.compile(r"while\s+(true|:)\s*(;|\n)")
_IN_STRING = re.compile(rb'\\(?:\n|(["\\$`]))')
_ANYWHERE = re.compile(rb"\\(?:\n|(.))")
"""A backslash, and what it makes text of."""

_BLANKS = re.compile(rb"(?:[ \t]|\\\n)+")
_NO_BLANKS = re.compile(rb"")
_CLAUSES = frozenset({"elif_clause", "else_clause"})
_COMMANDS = frozenset({"command", "declaration_command"})
_TEXTS = frozenset({"word", "number", "variable_name", "test_operator", "extglob_pattern", "regex"})
_READ = frozenset(
    {"program", "pipeline", "negated_command", "if_statement", "case_statement", "case_item"}
    | {"redirected_statement", "file_redirect", "heredoc_redirect", "herestring_redirect"}
    | {"test_command", "unset_command", "variable_assignment", "variable_assignments"}
    | {"raw_string", "string", "concatenation", "simple_expansion", "expansion", "command_name"}
    | _CLAUSES
    | _COMMANDS
    | _TEXTS
)
_WHOLE = frozenset({*_COMMANDS, "variable_assignments", "redirected_statement", "case_statement"})
"""Nodes that are read only if these parts of them are."""

_PARTS = frozenset({"variable_assignment", "file_redirect", "heredoc_redirect", "case_item"})
_NAMES = {
    "subshell": "a subshell",
    "while_statement": "a loop",
    "for_statement": "a loop",
    "c_style_for_statement": "a loop",
    "function_definition": "a function",
    "arithmetic_expansion": "arithmetic",
    "ansi_c_string": "a string with escapes",
    "array": "an array",
    "subscript": "an array",
    "&": "a command in the background",
}


def unread(node: Node) -> Unclear | None:
    """Why this statement, or part of a word, isn't read; what is in it may have reasons too."""
    if reason := _reason(node):
        return unclear(node, reason)
    parts = [one for one in node.children if one.type in _PARTS] if node.type in _WHOLE else []
    return next(filter(None, map(unread, parts)), None)


def _reason(node: Node) -> str | None:  # noqa: C901 - a table of shapes
    raw, kinds = text_of(node), [one.type for one in node.children]
    match node.type:
        case kind if kind in _COMMANDS and any(one.endswith("redirect") for one in kinds):
            return "a redirection in front of a command"
        case kind if kind in _COMMANDS and not _is_split_well(node, _BLANKS):
            return SYNTAX
        case "concatenation" if not _is_split_well(node, _NO_BLANKS):
            return SYNTAX
        case "pipeline" if kinds[0] == "negated_command":
            return SYNTAX
        case "variable_assignment" if kinds[:2] != ["variable_name", "="]:
            return "text that is added to a variable, or to an array"
        case "file_redirect" if not _is_harmless(node):
            return "a redirection to a file"
        case "heredoc_redirect" if {"pipeline", "list"} & {*kinds}:
            return "a text in the script that goes through a pipe"
        case "case_item" if kinds[-1] in {";&", ";;&"}:
            return "a case that goes on with the next one"
        case kind if kind in _TEXTS and _GLOB.search(raw.replace("\\\\", "")):
            return "a pattern of names"
        case "expansion" if not _is_known(node):
            return f"the expansion `{raw[:40]}`"
        case "while_statement" if _ENDLESS.match(raw):
            return None
        case "compound_statement" | "command_substitution" if kinds[0] in {"{", "$(", "`"}:
            return None
        case "list" if len(kinds) == 3:
            return None
        case kind if kind in _READ or not (node.is_named or raw in {"$", "&"}):
            return None
        case kind:
            return _NAMES.get(kind, f"a {kind.replace('_', ' ')}")


def unclear(node: Node, reason: str) -> Unclear:
    """That a node isn't read, with its line."""
    return Unclear(line=line_of(node), reason=reason)


def statements(nodes: Sequence[Node]) -> list[Node]:
    """The statements among these nodes, without redirections that change nothing."""
    return [
        _bare(node)
        for node in nodes
        if (node.is_named and node.type != "comment") or node.type == "&"
    ]


def clauses(node: Node) -> Iterator[tuple[list[Node], list[Node]]]:
    """The conditions of an `if` and its `elif`s, and what each lets happen; none for `else`."""
    for one in [node, *(child for child in node.children if child.type in _CLAUSES)]:
        own = [child for child in one.children if child.type not in _CLAUSES]
        then = next((index for index, child in enumerate(own) if child.type == "then"), 0)
        yield statements(own[:then]), statements(own[then:])


def cases(node: Node) -> Iterator[tuple[Node, list[Node]]]:
    """Each pattern of a `case`, and what it lets happen."""
    for item in node.children:
        if item.type == "case_item":
            end = next(index for index, one in enumerate(item.children) if one.type == ")")
            for pattern in item.children[:end]:
                if pattern.is_named:
                    yield pattern, statements(item.children[end:])


def pattern_of(node: Node) -> str | None:
    """The text of a pattern of `case`, where `*` is all that is no text; None for any other."""
    text = text_of(node)
    if node.type == "string" and "*" not in text:
        text = text[1:-1]
    return text if _PATTERN.fullmatch(text) else None


def command_words(node: Node) -> tuple[list[Node], list[Node]]:
    """A command's words, and the variables that are set in front of it."""
    children = [node] if node.type == "variable_assignment" else node.children
    kind = "variable_assignment" if node.type != "declaration_command" else ""
    words = [leaf for one in children if one.type != kind for leaf in _leaves(one)]
    return words, [one for one in children if one.type == kind]


def assignment(node: Node) -> tuple[str, Node | None]:
    """A variable that is set, and to what."""
    name, _, *values = node.children
    return text_of(name), values[0] if values else None


def expansion(node: Node) -> tuple[str, str, list[Node]]:
    """A variable's name, and an operator with what it takes."""
    if node.type == "simple_expansion":
        return text_of(node).strip()[1:], "", []
    _, name, *rest, _ = node.children
    return text_of(name), rest[0].type if rest else "", rest[1:]


def string_parts(node: Node) -> Iterator[tuple[str, Node | None]]:
    """The texts of a string in double quotes, each with what stands behind it."""
    data, base = node.text or b"", node.start_byte
    at = base + 1
    for child in node.children[1:-1]:
        if child.type not in {"string_content", "$"}:
            # The grammar has blanks in front of it as a part of it, or nowhere.
            start = child.end_byte - len((child.text or b"").lstrip())
            yield _unescaped(data[at - base : start - base], _IN_STRING), child
            at = child.end_byte
    yield _unescaped(data[at - base : -1], _IN_STRING), None


def literal(node: Node) -> str:
    """Text without its quotes."""
    if node.type == "raw_string":
        return text_of(node)[1:-1]
    return _unescaped(node.text or b"", _ANYWHERE)


def text_of(node: Node) -> str:
    """A node as it stands in the script."""
    return (node.text or b"").decode(errors="surrogateescape")


def line_of(node: Node) -> int:
    """The line of a script that a node begins on."""
    return node.start_point.row + 1


def _is_split_well(node: Node, pattern: re.Pattern[bytes]) -> bool:
    """Whether the grammar has split or joined only where the shell does."""
    data, base = node.text or b"", node.start_byte
    return all(
        pattern.fullmatch(data, one.end_byte - base, other.start_byte - base)
        for one, other in pairwise(node.children)
    )


def _is_harmless(redirect: Node) -> bool:
    targets = redirect.children_by_field_name("destination")
    return len(targets) == 1 and bool(_HARMLESS.fullmatch(text_of(targets[0]).strip("\"'")))


def _is_known(node: Node) -> bool:
    """Whether it is a variable as it is, with something in its place, or with less of it."""
    name = node.children[1]
    if name.type not in _VARIABLES and text_of(name) not in _MEMBERS:
        return False
    _, operator, operands = expansion(node)
    is_trim = all(one.type in _TEXTS and _TRIM.fullmatch(text_of(one)) for one in operands)
    return operator in _OPERATORS and (is_trim or "-" in operator)


def _bare(node: Node) -> Node:
    body = node.child_by_field_name("body") if node.type == "redirected_statement" else None
    return node if body is None or unread(node) else _bare(body)


def _leaves(node: Node) -> Iterator[Node]:
    """The words of a command's name or of a test, in their order; any other node itself."""
    kinds = {"binary_expression", "unary_expression", "parenthesized_expression", "command_name"}
    if node.type in kinds:
        for child in node.children:
            yield from _leaves(child)
    elif node.type != "comment":
        yield node


def _unescaped(data: bytes, escape: re.Pattern[bytes]) -> str:
    text = escape.sub(lambda found: found[1] or b"", data)
    return text.decode(errors="surrogateescape")
