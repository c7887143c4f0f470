"""Follows a shell script to the programs that it starts: a few shapes, else the answer "unknown".

A script is done step by step. Where a step decides that isn't known (what `grep` finds), it is done
once for each answer; a shape that isn't known here ends the following (`Stuck`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from shim.check.commands import Commands
from shim.check.programs import Programs
from shim.check.situation import Situation, Stuck
from shim.check.way import Ended, Way, is_error, not_followed, weaker
from shim.check.words import Words
from shim.package import shell_tree
from shim.package.shell import Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node as Syntax

    from shim.check.execution import Machine
    from shim.check.findings import Finding
    from shim.check.programs import Begin
    from shim.check.situation import Value

_WAYS_LIMIT = 16
_STEPS_LIMIT = 1000
_DEPTH_LIMIT = 12


def follow(
    machine: Machine, begin: Begin, at: Situation, script: Syntax | Unclear, *, where: str
) -> list[Finding]:
    """What is found on all ways through it; errors that only some ways meet are unknown."""
    choices: list[bool] = []
    endings: list[list[Finding]] = []
    while len(endings) < _WAYS_LIMIT:
        way = Way(choices, where)
        here = replace(at, variables=dict(at.variables))
        endings.append(_Script(machine, begin, here, way, where=where).findings(script))
        while choices and not choices[-1]:
            choices.pop()
        if not choices:
            break
        choices[-1] = False
    else:
        endings.append([not_followed("too many ways lead through it", 1, where)])
    found = [one for ending in endings for one in ending]
    if not all(any(map(is_error, ending)) for ending in endings):
        found = [weaker(one) for one in found]
    return list(dict.fromkeys(found))


class _Script:
    """Does a script's statements, on one way."""

    def __init__(
        self, machine: Machine, begin: Begin, at: Situation, way: Way, *, where: str
    ) -> None:
        self._at, self._way = at, way
        self._words = Words(machine, at, self._aside)
        programs = Programs(machine, begin, at, where=where)
        self._commands = Commands(at, way, words=self._words, programs=programs)
        self._steps = self._depth = 0

    def findings(self, script: Syntax | Unclear) -> list[Finding]:
        """What is found on this way."""
        try:
            if isinstance(script, Unclear):
                raise Stuck(script)
            self._way.end(status=self._do(script))
        except Stuck as stuck:
            self._way.give_up(stuck.unclear)
        except Ended:
            pass
        return self._way.found

    def _do(self, node: Syntax) -> bool | None:
        """Whether a statement succeeds; None where that isn't known."""
        self._steps += 1
        self._depth += 1
        if self._steps > _STEPS_LIMIT or self._depth > _DEPTH_LIMIT:
            raise Stuck("it is too long, or nested too deeply")
        if odd := shell_tree.unread(node):
            raise Stuck(odd)
        status = self._done(node, shell_tree.statements(node.children))
        self._depth -= 1
        return status

    def _done(self, node: Syntax, inner: Sequence[Syntax]) -> bool | None:
        status: bool | None = True
        match node.type:
            case "program" | "compound_statement":
                status = self._all(inner)
            case "negated_command":
                status = self._test(inner)
                status = None if status is None else not status
            case "list":
                status = self._list(node)
            case "pipeline":
                status = self._pipe(inner)
            case "if_statement" | "case_statement":
                status = self._all(self._chosen(node))
            case "while_statement":
                self._all(shell_tree.statements(node.children[-1].children))
                # A custom runtime: what has no last round is what the function does.
                self._way.has_started |= self._at.has_asked
                self._way.end(status=None)
            case "redirected_statement":
                # It was all redirections.
                pass
            case _:
                status = self._commands.do(node)
        return status

    def _all(self, nodes: Sequence[Syntax]) -> bool | None:
        status: bool | None = True
        for one in nodes:
            status = self._do(one)
        return status

    def _test(self, nodes: Sequence[Syntax]) -> bool | None:
        """Statements whose failing ends nothing."""
        self._way.tested += 1
        status = self._all(nodes)
        self._way.tested -= 1
        return status

    def _is_true(self, nodes: Sequence[Syntax]) -> bool:
        status = self._test(nodes)
        return self._way.choose() if status is None else status

    def _list(self, node: Syntax) -> bool | None:
        """`a && b || c`: each if what stands on its left lets it, of which only the last counts."""
        left, right = shell_tree.statements(node.children)
        rest = [(node.children[1].type == "&&", right)]
        while left.type == "list" and not shell_tree.unread(left):
            is_and = left.children[1].type == "&&"
            left, right = shell_tree.statements(left.children)
            rest.insert(0, (is_and, right))
        status: bool | None = self._is_true([left])
        for place, (is_and, right) in enumerate(rest, 1):
            if status == is_and:
                status = self._do(right) if place == len(rest) else self._is_true([right])
        return status

    def _chosen(self, node: Syntax) -> Sequence[Syntax]:
        """What an `if` or a `case` lets happen."""
        if node.type == "if_statement":
            for tests, body in shell_tree.clauses(node):
                if not tests or self._is_true(tests):
                    return body
            return ()
        value = self._words.text(node.child_by_field_name("value"))
        for pattern, body in shell_tree.cases(node):
            if self._fits(value, shell_tree.pattern_of(pattern)):
                return body
        return ()

    def _fits(self, value: Value, pattern: str | None) -> bool:
        if pattern == "*":
            return True
        if pattern is None or isinstance(value, Unclear):
            return self._way.choose()
        return bool(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), value, re.DOTALL))

    def _pipe(self, nodes: Sequence[Syntax]) -> bool | None:
        statuses = [self._aside([one]) for one in nodes]
        status = statuses[-1]
        if "pipefail" in self._at.options and not all(statuses):
            status = False if False in statuses else None
        self._commands.fail_if(status=status)
        return status

    def _aside(self, nodes: Sequence[Syntax]) -> bool | None:
        """Statements in a process of their own."""
        is_one = len(nodes) == 1 and nodes[0].type != "compound_statement"
        if "e" in self._at.options and not is_one:
            raise Stuck("several commands in a process of their own, under `set -e`")
        saved = replace(self._at, variables=dict(self._at.variables))
        self._way.inside += 1
        status = self._test(nodes)
        self._way.inside -= 1
        self._at.restore(saved.variables)
        self._at.folder, self._at.options = saved.folder, saved.options
        return status
