"""What a shell `bootstrap` does besides handing over to the handler: a launcher would not do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.package import shell_tree
from shim.package.shell import Unclear, read_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

_HANDLER = "_HANDLER"
_ENVIRONMENT = ("AWS_", "LAMBDA_", "LANG", "LD_", "PATH", "TZ", _HANDLER)
"""So begin variables that Lambda exports: setting them changes what the handler sees."""

_SILENT = {"set", "true", ":", "[", "[[", "test", "exit"}
_ASKING = {"uname", "arch", "dirname", "basename", "pwd", "readlink", "realpath", "echo", "cd"}
"""What only asks, inside of `$(…)`."""

_TASK_ROOT = {"$LAMBDA_TASK_ROOT", "${LAMBDA_TASK_ROOT}", "/var/task", "."}
_COMMANDS = frozenset(
    {"command", "declaration_command", "test_command", "unset_command"}
    | {"variable_assignment", "variable_assignments"}
)
_EXPANSIONS = {"simple_expansion", "expansion"}


def lost_with(script: bytes) -> tuple[str, ...]:
    """What goes with the script where a launcher takes its place; nothing if that does it all."""
    root = read_script(script)
    lost = [_said(root)] if isinstance(root, Unclear) else _lost(root, {_HANDLER})
    return tuple(dict.fromkeys(lost))


def _said(unclear: Unclear) -> str:
    return f"line {unclear.line}, {unclear.reason}"


def _lost(node: Node, handlers: set[str]) -> Iterator[str]:
    """What is lost with a statement; `handlers` are the variables that lead to the handler."""
    if odd := shell_tree.unread(node):
        yield _said(odd)
        return
    match node.type:
        case "while_statement":
            yield "a loop"
        case "pipeline":
            yield "a pipe"
        case kind if kind in _COMMANDS:
            yield from _lost_command(node, handlers)
        case "case_statement":
            yield from _unread(node.children[1])
            for pattern, body in shell_tree.cases(node):
                if shell_tree.pattern_of(pattern) is None:
                    yield f"line {shell_tree.line_of(pattern)}, a pattern"
                yield from _lost_in(body, handlers)
        case "redirected_statement":
            # It was all redirections.
            pass
        case _:
            yield from _lost_in(shell_tree.statements(node.children), handlers)


def _lost_in(nodes: list[Node], handlers: set[str]) -> Iterator[str]:
    for node in nodes:
        yield from _lost(node, handlers)


def _lost_command(node: Node, handlers: set[str]) -> Iterator[str]:
    words, assigned = shell_tree.command_words(node)
    for name, value in map(shell_tree.assignment, assigned):
        yield from _unread(value) if value else ()
        if words or name.startswith(_ENVIRONMENT):
            yield f"line {shell_tree.line_of(node)}, the variable `{name}`"
        elif value and _leads_to(value, handlers):
            handlers.add(name)
    words = words[1:] if words and shell_tree.text_of(words[0]) == "exec" else words
    if words:
        yield from _lost_words(words, handlers)


def _lost_words(words: list[Node], handlers: set[str]) -> Iterator[str]:
    name, line = shell_tree.literal(words[0]), shell_tree.line_of(words[0])
    for word in words if name in _SILENT else words[:1]:
        yield from _unread(word)
    if name in _SILENT:
        return
    if name == "cd":
        if not all(map(_is_task_root, words[1:])):
            yield f"line {line}, another folder to work in"
    elif not _leads_to(words[0], handlers):
        yield f"line {line}, `{name}`"
    elif any(shell_tree.text_of(word).strip('"') not in {"$@", "${@}"} for word in words[1:]):
        yield f"line {line}, the handler's arguments"


def _unread(word: Node) -> Iterator[str]:
    if odd := shell_tree.unread(word):
        yield _said(odd)
    elif word.type == "command_substitution":
        if not _only_asks(shell_tree.statements(word.children)):
            yield f"line {shell_tree.line_of(word)}, what is run for its output"
    elif word.type not in _EXPANSIONS:
        is_string = word.type == "string"
        parts = [part for _, part in shell_tree.string_parts(word)] if is_string else word.children
        for part in filter(None, parts):
            yield from _unread(part)


def _only_asks(nodes: list[Node]) -> bool:
    match nodes:
        case [node] if node.type == "list":
            return all(_only_asks([one]) for one in shell_tree.statements(node.children))
        case [node] if node.type == "command":
            return shell_tree.text_of(node.children[0]) in _ASKING and not list(_unread(node))
        case _:
            return False


def _leads_to(word: Node, handlers: set[str]) -> bool:
    """Whether a variable that leads to the handler is in the word, as it is."""
    if word.type in _EXPANSIONS:
        name, operator, _ = shell_tree.expansion(word)
        return name in handlers and not operator
    parts = word.children if word.type in {"string", "concatenation"} else []
    return any(_leads_to(part, handlers) for part in parts)


def _is_task_root(word: Node) -> bool:
    text = shell_tree.text_of(word).replace('"', "").replace("`", "")
    return text in _TASK_ROOT or text.strip("$()") in {"dirname $0", "dirname ${0}"}
