"""Reads shell scripts as trees, by tree-sitter's grammar of bash, within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

SHELLS = frozenset({"sh", "bash", "dash"})
"""Interpreters whose scripts are read."""

SYNTAX = "its syntax isn't understood"
_SIZE_LIMIT = 24 << 10
_DEPTH_LIMIT = 90
_NODES_LIMIT = 8000
_PIECE = 4096
_ROUNDS_LIMIT = 600
"""Of the parser's work; a script of 20 KB takes some 150."""

_COSTLY = re.compile(rb"<<|=\(")
_COSTLY_LIMIT = 200
"""Texts in the script, and arrays: what the parser's time and memory grow with the square of."""

_ODD = re.compile(rb"[\0\r]|\\[ \t]")
"""What the grammar takes for blanks, and the shell doesn't."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """What isn't read, or isn't known, and why."""

    reason: str
    """As it goes on after "line 7: "."""
    line: int = 0


def read_script(text: bytes) -> Node | Unclear:
    """The tree of a script, whose parts `shell_tree.py` reads, or why there is none."""
    if odd := _ODD.search(text):
        line = text.count(b"\n", 0, odd.start()) + 1
        return Unclear(line=line, reason="a zero byte, a CRLF line end or an escaped blank")
    if len(text) > _SIZE_LIMIT or len(_COSTLY.findall(text)) > _COSTLY_LIMIT:
        return Unclear(line=1, reason="it is too long")
    root = _tree(text)
    if root is None:
        return Unclear(line=1, reason=SYNTAX)
    if root.descendant_count > _NODES_LIMIT:
        return Unclear(line=1, reason="it is too long")
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if node.is_error or node.is_missing:
            return Unclear(line=node.start_point.row + 1, reason=SYNTAX)
        if depth > _DEPTH_LIMIT:
            return Unclear(line=node.start_point.row + 1, reason="it is nested too deeply")
        waiting += [(child, depth + 1) for child in reversed(node.children)]
    return root


def _tree(text: bytes) -> Node | None:
    """The grammar's tree; None where it takes too long, as what is broken on purpose does."""
    # What few packages need: a parser of half a megabyte.
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    parser = Parser(Language(tree_sitter_bash.language()))
    rounds = count(1)
    try:
        return parser.parse(
            lambda at, _: text[at : at + _PIECE],
            progress_callback=lambda _, has_error: has_error or next(rounds) > _ROUNDS_LIMIT,
        ).root_node
    except ValueError:
        return None
