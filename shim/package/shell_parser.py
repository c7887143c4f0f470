"""From tree-sitter's tree of a shell script to statements; what isn't known here is `Unclear`."""

from __future__ import annotations

import re
from itertools import count, pairwise
from typing import TYPE_CHECKING

import tree_sitter_bash
from tree_sitter import Language, Parser

from shim.package.shell import (
    LIKE,
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

    from tree_sitter import Node

    from shim.package.shell import Part, Statement, Word

_DEPTH_LIMIT = 60
_NODES_LIMIT = 8000
_PIECE = 4096
_ROUNDS_LIMIT = 3000
"""Of the parser's work; a script of 20 KB takes some 150."""

_SYNTAX = "its syntax isn't understood"
_OPERATORS = frozenset({":-", "-", "%", "%%", "#", "##"})
_MEMBERS = frozenset({"BASH_SOURCE[0]", "BASH_VERSINFO[5]"})
"""Members of arrays that a script begins with."""

_LITERAL = re.compile(r"(?<!\\)[*?\[{~$`]")
_PLAIN = re.compile(r"\*?[\w./:=+@%,-]+\*?")
"""A pattern of `case` that is text, or text with more in front or behind."""

_TRIM = re.compile(r"[\w./:=+@%,-]*\*?[\w./:=+@%,-]*")
"""What is cut off a variable: text, with one `*` at most."""

_HARMLESS = re.compile(r"[0-9]+-?|/dev/(null|stdout|stderr|fd/[0-9])|/tmp/.+")
_ODD = re.compile(rb"[\0\r]|\\[ \t]")
"""What the grammar takes for blanks, and the shell doesn't."""

_BLANKS = re.compile(rb"(?:[ \t]|\\\n)+")
_NO_BLANKS = re.compile(rb"")
_SKIPPED = frozenset({"comment", ";", "\n", ";;", "{", "}", "do", "done", "then", "else", "fi"})
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


def parse(text: bytes) -> Statement:
    """The statements of a script's text; all of it is `Unclear` where it can't be read."""
    if odd := _ODD.search(text):
        line = text.count(b"\n", 0, odd.start()) + 1
        return Unclear(line=line, reason="a zero byte, a CRLF line end or an escaped blank")
    root = _tree(text)
    if root is None:
        return Unclear(line=1, reason=_SYNTAX)
    if root.has_error:
        wrong = (node for node in _walk(root) if node.is_error or node.is_missing)
        return Unclear(line=next(wrong, root).start_point.row + 1, reason=_SYNTAX)
    if root.descendant_count > _NODES_LIMIT:
        return Unclear(line=1, reason="it is too long")
    return _group(root.children, 0)


def _tree(text: bytes) -> Node | None:
    """The grammar's tree; None where it takes too long, as what is broken on purpose does."""
    parser = Parser(Language(tree_sitter_bash.language()))
    rounds = count(1)
    try:
        return parser.parse(
            lambda at, _: text[at : at + _PIECE],
            progress_callback=lambda _, has_error: has_error or next(rounds) > _ROUNDS_LIMIT,
        ).root_node
    except ValueError:
        return None


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def _unclear(node: Node, reason: str | None = None) -> Unclear:
    named = _NAMES.get(node.type, f"a {node.type.replace('_', ' ')}")
    return Unclear(line=node.start_point.row + 1, reason=reason or named)


def _group(nodes: Iterable[Node], depth: int) -> Statement:
    inside = tuple(_statement(node, depth + 1) for node in nodes if node.type not in _SKIPPED)
    return inside[0] if len(inside) == 1 else Group(statements=inside)


def _statement(node: Node, depth: int) -> Statement:  # noqa: C901 - a table of shapes
    if depth > _DEPTH_LIMIT:
        return _unclear(node, "it is nested too deeply")
    children = node.children
    match node.type:
        case "command" | "test_command" | "declaration_command" | "unset_command":
            return _command(node, depth)
        case "variable_assignment" | "variable_assignments":
            return _command(node, depth)
        case "redirected_statement":
            return _redirected(node, depth)
        case "negated_command":
            return Not(statement=_statement(children[-1], depth + 1))
        case "list" if len(children) == 3:
            left, right = (_statement(one, depth + 1) for one in (children[0], children[2]))
            return Either(left=left, is_and=children[1].type == "&&", right=right)
        case "pipeline":
            parts = [child for child in children if child.is_named]
            return Pipe(statements=tuple(_statement(part, depth + 1) for part in parts))
        case "compound_statement" if children[0].type == "{":
            return _group(children, depth)
        case "if_statement":
            return _if(children, depth)
        case "case_statement":
            return _case(node, depth)
        case "while_statement" if re.match(rb"while\s+(true|:)\s*(;|\n)", node.text or b""):
            return Endless(body=_group(children[-1].children, depth))
        case _:
            return _unclear(node)


def _command(node: Node, depth: int) -> Statement:
    if node.type in {"command", "declaration_command"} and not _is_split_well(node, _BLANKS):
        return _unclear(node, _SYNTAX)
    words: list[Word] = []
    assigned: list[tuple[str, Word]] = []
    for child in [node] if node.type == "variable_assignment" else node.children:
        if child.type == "variable_assignment":
            name, *rest = child.children
            if name.type != "variable_name" or not rest or rest[0].type != "=":
                return _unclear(child, "text that is added to a variable, or to an array")
            value = _word(rest[1], depth) if len(rest) > 1 else ()
            if node.type == "declaration_command":
                words.append((Text(text=f"{_raw(name)}="), *value))
            else:
                assigned.append((_raw(name), value))
        elif child.type.endswith("redirect"):
            return _unclear(child, "a redirection in front of a command")
        else:
            words += [_word(one, depth) for one in _leaves(child)]
    line = node.start_point.row + 1
    return Command(line=line, words=tuple(words), assigned=tuple(assigned))


def _is_split_well(node: Node, pattern: re.Pattern[bytes]) -> bool:
    """Whether the grammar has split or joined only where the shell does."""
    data, base = node.text or b"", node.start_byte
    return all(
        pattern.fullmatch(data, one.end_byte - base, other.start_byte - base)
        for one, other in pairwise(node.children)
    )


def _leaves(node: Node) -> Iterator[Node]:
    """The words of a command's name or of a test, in their order; any other node itself."""
    kinds = {"binary_expression", "unary_expression", "parenthesized_expression", "command_name"}
    if node.type in kinds:
        for child in node.children:
            yield from _leaves(child)
    elif node.type != "comment":
        yield node


def _redirected(node: Node, depth: int) -> Statement:
    body = node.child_by_field_name("body")
    for redirect in node.children_by_field_name("redirect"):
        if redirect.type == "file_redirect":
            targets = redirect.children_by_field_name("destination")
            if len(targets) != 1 or not _HARMLESS.fullmatch(_raw(targets[0]).strip("\"'")):
                return _unclear(redirect, "a redirection to a file")
        elif any(child.type in {"pipeline", "list"} for child in redirect.children):
            return _unclear(redirect, "a text in the script that goes through a pipe")
    return _statement(body, depth + 1) if body else Group(statements=())


def _if(nodes: list[Node], depth: int) -> Statement:
    """`if` or `elif`, a condition, `then`, and what follows."""
    if depth > _DEPTH_LIMIT:
        return _unclear(nodes[0], "it is nested too deeply")
    if nodes[0].type == "else":
        return _group(nodes, depth)
    then = next(index for index, one in enumerate(nodes) if one.type == "then")
    end = next(
        (index for index, one in enumerate(nodes) if one.type in {"elif_clause", "else_clause"}),
        len(nodes),
    )
    others = nodes[end].children + nodes[end + 1 :] if end < len(nodes) else []
    return If(
        condition=_group(nodes[1:then], depth),
        then=_group(nodes[then:end], depth),
        otherwise=_if(others, depth + 1) if others else Group(statements=()),
    )


def _case(node: Node, depth: int) -> Statement:
    """A `case`, as the `if` that it is short for."""
    value = node.child_by_field_name("value")
    word = _word(value, depth, is_quoted=True) if value else ()
    found: Statement = Group(statements=())
    for item in reversed([one for one in node.children if one.type == "case_item"]):
        closing = next(index for index, one in enumerate(item.children) if one.type == ")")
        if item.children[-1].type in {";&", ";;&"}:
            return _unclear(item, "a case that goes on with the next one")
        body = _group(item.children[closing + 1 :], depth)
        for pattern in [one for one in item.children[closing::-1] if one.is_named]:
            found = If(condition=_fits(word, pattern), then=body, otherwise=found)
    return found


def _fits(word: Word, pattern: Node) -> Statement:
    """Whether the word is like the pattern of a `case`."""
    text = _raw(pattern)
    line = pattern.start_point.row + 1
    if text == "*":
        return Command(line=line, words=((Text(text="true"),),))
    if pattern.type == "string" and "*" not in text:
        text = text[1:-1]
    is_plain = _PLAIN.fullmatch(text)
    other = Text(text=text) if is_plain else _unclear(pattern, "a pattern")
    words = ((Text(text="["),), word, (Text(text=LIKE),), (other,), (Text(text="]"),))
    return Command(line=line, words=words)


def _word(node: Node, depth: int, *, is_quoted: bool = False) -> Word:
    if depth > _DEPTH_LIMIT:
        return (_unclear(node, "it is nested too deeply"),)
    match node.type:
        case "word" | "number" | "variable_name" | "test_operator" | "extglob_pattern" | "regex":
            return _literal(node)
        case "raw_string":
            return (Text(text=_raw(node)[1:-1]),)
        case "string":
            return _string(node, depth)
        case "concatenation" if _is_split_well(node, _NO_BLANKS):
            return tuple(part for one in node.children for part in _word(one, depth + 1))
        case "simple_expansion":
            return (Variable(name=_raw(node).strip()[1:], is_quoted=is_quoted),)
        case "expansion":
            return (_expansion(node, depth, is_quoted=is_quoted),)
        case "command_substitution" if node.children[0].type in {"$(", "`"}:
            inside = _group(node.children[1:-1], depth)
            return (Output(statement=inside, is_quoted=is_quoted),)
        case _ if not node.is_named and _raw(node) != "$":
            return (Text(text=_raw(node)),)
        case _:
            return (_unclear(node),)


def _literal(node: Node) -> Word:
    """Text without quotes around it: what the shell would put other names for is unclear."""
    text = _raw(node)
    if _LITERAL.search(text.replace("\\\\", "")):
        return (_unclear(node, "a pattern of names"),)
    return (Text(text=re.sub(r"\\(?:\n|(.))", lambda match: match[1] or "", text)),)


def _string(node: Node, depth: int) -> Word:
    """A string in double quotes; the grammar leaves blanks between its parts out."""
    parts: list[Part] = []
    data, base = node.text or b"", node.start_byte
    at = base + 1
    for child in node.children[1:-1]:
        if child.type in {"simple_expansion", "expansion", "command_substitution"}:
            blanks = len(child.text or b"") - len((child.text or b"").lstrip())
            parts += _unquoted(data[at - base : child.start_byte + blanks - base])
            parts += _word(child, depth + 1, is_quoted=True)
            at = child.end_byte
        elif child.type not in {"string_content", "$"}:
            parts.append(_unclear(child))
            at = child.end_byte
    return (*parts, *_unquoted(data[at - base : -1]))


def _unquoted(data: bytes) -> list[Text]:
    text = re.sub(r"\\([\"\\$`]|\n)", lambda match: match[1].strip("\n"), _decoded(data))
    return [Text(text=text)] if text else []


def _expansion(node: Node, depth: int, *, is_quoted: bool) -> Variable | Unclear:
    _, name, *rest, _ = node.children
    own = {"variable_name", "special_variable_name"}
    operator, operands = (rest[0].type, rest[1:]) if rest else ("", [])
    if (name.type not in own and _raw(name) not in _MEMBERS) or (
        rest and operator not in _OPERATORS
    ):
        return _unclear(node, f"the expansion `{_raw(node)[:40]}`")
    operand: list[Part] = []
    for one in operands:
        if "-" in operator:
            operand += _word(one, depth + 1, is_quoted=True)
        elif one.type in {"regex", "word"} and _TRIM.fullmatch(_raw(one)):
            operand.append(Text(text=_raw(one)))
        else:
            operand.append(_unclear(node, f"the expansion `{_raw(node)[:40]}`"))
    return Variable(name=_raw(name), operator=operator, operand=tuple(operand), is_quoted=is_quoted)


def _raw(node: Node) -> str:
    return _decoded(node.text or b"")


def _decoded(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
