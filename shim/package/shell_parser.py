"""From tree-sitter's tree of a shell script to statements; what isn't known here is `Unclear`."""

from __future__ import annotations

import re
from itertools import count, pairwise
from typing import TYPE_CHECKING

import tree_sitter_bash
from tree_sitter import Language, Parser

from shim.package.shell import (
    Array,
    Case,
    Command,
    Either,
    Function,
    Group,
    If,
    Loop,
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
_NODES_LIMIT = 20_000
_PIECE = 4096
_ROUNDS_LIMIT = 3000
"""Of the parser's work; a script of 20 KB takes some 150."""

_OPERATORS = frozenset({":-", "-", "%", "%%", "#", "##", "/", "//"})
_LITERAL = re.compile(r"\\(\n)?|[*?\[{~$`]")
_GLOB = re.compile(r"(?<!\\)[*?\[]")
_HARMLESS = re.compile(r"[0-9]+-?|/dev/(null|stdout|stderr|fd/[0-9])|/tmp/.+")
_ODD = re.compile(rb"[\0\r]|\\[ \t]")
"""What the grammar takes for blanks, and the shell doesn't."""

_BLANKS = re.compile(rb"(?:[ \t]|\\\n)+")
_NO_BLANKS = re.compile(rb"")
_SKIPPED = frozenset({"comment", ";", "\n", ";;", "{", "}", "do", "done", "then", "&"})
_PARTS = {
    "subshell": "a subshell",
    "c_style_for_statement": "a counting loop",
    "process_substitution": "a process substitution",
    "arithmetic_expansion": "arithmetic",
    "ansi_c_string": "a string with escapes",
    "array": "an array",
    "subscript": "an array",
}


def parse(text: bytes) -> tuple[Statement, ...]:
    """The statements of a script's text; all of it is `Unclear` where it can't be read."""
    if odd := _ODD.search(text):
        line = text.count(b"\n", 0, odd.start()) + 1
        return (Unclear(line=line, reason="a zero byte, a CRLF line end or an escaped blank"),)
    root = _tree(text)
    if root is None:
        return (Unclear(line=1, reason="its syntax isn't understood"),)
    if root.has_error:
        line = next((node.start_point.row + 1 for node in _walk(root) if _is_wrong(node)), 1)
        return (Unclear(line=line, reason="its syntax isn't understood"),)
    if root.descendant_count > _NODES_LIMIT:
        return (Unclear(line=1, reason="it is too long"),)
    return _statements(root.children, 0)


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


def _is_wrong(node: Node) -> bool:
    return node.is_error or node.is_missing


def _unclear(node: Node, reason: str | None = None) -> Unclear:
    kind = node.type.replace("_", " ")
    return Unclear(
        line=node.start_point.row + 1, reason=reason or _PARTS.get(node.type, f"a {kind}")
    )


def _statements(nodes: Iterable[Node], depth: int) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for node in nodes:
        if node.type == "&" and found:
            found[-1] = _in_background(found[-1], node)
        elif node.type not in _SKIPPED:
            found.append(_statement(node, depth + 1))
    return tuple(found)


def _in_background(statement: Statement, node: Node) -> Statement:
    if not isinstance(statement, Command):
        return _unclear(node, "several commands in the background")
    return Command(
        line=statement.line,
        words=statement.words,
        assigned=statement.assigned,
        is_background=True,
    )


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
            left, operator, right = children
            return Either(
                left=_statement(left, depth + 1),
                is_and=operator.type == "&&",
                right=_statement(right, depth + 1),
            )
        case "pipeline":
            parts = tuple(child for child in children if child.is_named)
            return Pipe(line=node.start_point.row + 1, statements=_statements(parts, depth))
        case "compound_statement" if children[0].type == "{":
            return Group(statements=_statements(children, depth))
        case "if_statement":
            return _if(node, depth)
        case "case_statement":
            return _case(node, depth)
        case "while_statement" | "for_statement":
            return _loop(node, depth)
        case "function_definition":
            name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
            if name and body and body.type == "compound_statement":
                return Function(name=_raw(name), statements=_statements(body.children, depth))
            return _unclear(node)
        case _:
            return _unclear(node)


def _command(node: Node, depth: int) -> Statement:
    if node.type in {"command", "declaration_command"} and not _is_split_well(node, blanks=True):
        return _unclear(node, "its syntax isn't understood")
    words: list[Word] = []
    assigned: list[tuple[str, Word]] = []
    for child in [node] if node.type == "variable_assignment" else node.children:
        if child.type == "variable_assignment":
            pair = _assignment(child, depth)
            if not isinstance(pair, tuple):
                alone = node.type in {"variable_assignment", "declaration_command"}
                return pair if alone else _unclear(child)
            if node.type == "declaration_command":
                words.append((Text(text=f"{pair[0]}="), *pair[1]))
            else:
                assigned.append(pair)
        elif child.type == "command_name":
            words += [_word(one, depth) for one in child.children]
        elif child.type.endswith("redirect"):
            return _unclear(child, "a redirection in front of a command")
        else:
            words += [_word(one, depth) for one in _leaves(child)]
    line = node.start_point.row + 1
    return Command(line=line, words=tuple(words), assigned=tuple(assigned))


def _is_split_well(node: Node, *, blanks: bool) -> bool:
    """Whether the grammar has split or joined only where the shell does."""
    data, base = node.text or b"", node.start_byte
    pattern = _BLANKS if blanks else _NO_BLANKS
    return all(
        pattern.fullmatch(data, one.end_byte - base, other.start_byte - base)
        for one, other in pairwise(node.children)
    )


def _leaves(node: Node) -> Iterator[Node]:
    """The words of a test, in their order; any other node itself."""
    if node.type in {"binary_expression", "unary_expression", "parenthesized_expression"}:
        for child in node.children:
            yield from _leaves(child)
    elif node.type != "comment":
        yield node


def _assignment(node: Node, depth: int) -> tuple[str, Word] | Array | Unclear:
    name, *rest = node.children
    if name.type != "variable_name" or not rest or rest[0].type != "=":
        return _unclear(node, "text that is added to a variable, or one member of an array")
    if len(rest) > 1 and rest[1].type == "array":
        members = [child for child in rest[1].children if child.is_named]
        words = tuple(_word(child, depth + 1) for child in members)
        return Array(line=node.start_point.row + 1, name=_raw(name), words=words)
    return _raw(name), _word(rest[1], depth) if len(rest) > 1 else ()


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


def _if(node: Node, depth: int) -> Statement:
    branches = []
    otherwise: tuple[Statement, ...] = ()
    for part in (node, *node.children):
        if part.type == "else_clause":
            otherwise = _statements(part.children[1:], depth)
        elif part.type in {"if_statement", "elif_clause"}:
            then = next(index for index, one in enumerate(part.children) if one.type == "then")
            inside = [one for one in part.children[then:] if not one.type.startswith("el")]
            body = [one for one in inside if one.type != "fi"]
            condition = part.children[1:then]
            branches.append((_statements(condition, depth), _statements(body, depth)))
    return If(branches=tuple(branches), otherwise=otherwise)


def _case(node: Node, depth: int) -> Statement:
    value = node.child_by_field_name("value")
    branches = []
    for item in node.children:
        if item.type != "case_item":
            continue
        closing = next(index for index, one in enumerate(item.children) if one.type == ")")
        if item.children[-1].type in {";&", ";;&"}:
            return _unclear(item, "a case that goes on with the next one")
        patterns = [one for one in item.children[:closing] if one.is_named]
        body = _statements(item.children[closing + 1 :], depth)
        branches.append((tuple(_pattern(one, depth) for one in patterns), body))
    return Case(word=_word(value, depth) if value else (), branches=tuple(branches))


def _pattern(node: Node, depth: int) -> Word:
    """A pattern; its wildcards stay as they are."""
    if node.type in {"extglob_pattern", "word"}:
        return (Text(text=_raw(node)),)
    return _word(node, depth)


def _loop(node: Node, depth: int) -> Statement:
    body = node.child_by_field_name("body")
    variable = node.child_by_field_name("variable")
    if body is None or body.type != "do_group":
        return _unclear(node)
    condition: tuple[Statement, ...] = ()
    if variable is None:
        until = node.children[0].type == "until"
        condition = _statements(node.children_by_field_name("condition"), depth)
        condition = tuple(one for one in condition if one != Group(statements=()))
        if until:
            condition = (Not(statement=Group(statements=condition)),)
    return Loop(
        condition=condition,
        statements=_statements(body.children, depth),
        variable=_raw(variable) if variable else None,
    )


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
        case "concatenation" if _is_split_well(node, blanks=False):
            return tuple(part for one in node.children for part in _word(one, depth + 1))
        case "simple_expansion":
            return (Variable(name=_raw(node).strip()[1:], is_quoted=is_quoted),)
        case "expansion":
            return (_expansion(node, depth, is_quoted=is_quoted),)
        case "command_substitution" if node.children[0].type in {"$(", "`"}:
            inside = _statements(node.children[1:-1], depth)
            return (Output(statements=inside, is_quoted=is_quoted),)
        case _ if not node.is_named and _raw(node) != "$":
            return (Text(text=_raw(node)),)
        case _:
            return (_unclear(node),)


def _literal(node: Node) -> Word:
    """Text without quotes around it: what the shell would put other names for is unclear."""
    text = _raw(node)
    if any(match[0][0] != "\\" for match in _LITERAL.finditer(re.sub(r"\\.", "", text))):
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
            before = data[at - base : child.start_byte + blanks - base]
            parts += _unquoted(before)
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
    is_member = name.type == "subscript" and re.fullmatch(r"\w+\[([0-9]+|@)\]", _raw(name))
    if name.type not in {"variable_name", "special_variable_name"} and not is_member:
        return _unclear(node, f"the expansion `{_raw(node)[:40]}`")
    if not rest:
        return Variable(name=_raw(name), is_quoted=is_quoted)
    operator, *operands = rest
    if operator.type not in _OPERATORS:
        return _unclear(node, f"the expansion `{_raw(node)[:40]}`")
    operand: list[Part] = []
    for one in operands:
        # Wildcards of a pattern stay as they are: who evaluates it knows what it is.
        is_plain = one.type in {"regex", "word", "/"} and not re.search(r"[\\$`]", _raw(one))
        operand += [Text(text=_raw(one))] if is_plain else _word(one, depth + 1, is_quoted=True)
    return Variable(
        name=_raw(name), operator=operator.type, operand=tuple(operand), is_quoted=is_quoted
    )


def _raw(node: Node) -> str:
    return _decoded(node.text or b"")


def _decoded(data: bytes) -> str:
    return data.decode(errors="surrogateescape")
