"""What a shell does itself: variables, options and tests, in the few forms that are followed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from shim.check.situation import Situation, Stuck
from shim.check.tree import Node
from shim.package.shell_tree import assignment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tree_sitter import Node as Syntax

    from shim.check.situation import Value
    from shim.check.words import Words

_UNFOLLOWED = (
    " alias bg bind break builtin caller command compgen complete compopt continue coproc declare"
    " dirs disown enable eval fc fg getopts hash help history jobs kill let local logout mapfile"
    " popd pushd read readarray readonly return select shift shopt suspend time times trap type"
    " typeset ulimit umask unalias wait "
)
"""What a shell does itself, and isn't followed here."""

_OWN_VARIABLES = frozenset({"IFS", "PWD", "OLDPWD", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT"})
"""Variables that change what the shell does."""

_FILES: dict[str, Callable[[Node], bool]] = {
    "-e": lambda _: True,
    "-d": lambda node: node.is_folder,
    "-f": lambda node: not node.is_folder,
    "-x": lambda node: node.is_folder or node.is_executable,
}
"""Tests of what is at a path."""

_LONG = {"errexit": "e", "nounset": "u", "xtrace": "x", "pipefail": "pipefail"}


def refuse(fields: Sequence[Value], at: Situation) -> None:
    """Give up where the shell would do what isn't followed."""
    name, *rest = fields
    if f" {name} " in _UNFOLLOWED or (name == "printf" and rest[:1] == ["-v"]):
        raise Stuck(f"what `{name}` does")
    is_newer = name in {"[[", "source"} or (name in {"[", "test"} and "==" in rest)
    if is_newer and not at.is_bash:
        raise Stuck(f"`{name}` is bash's own, and `sh` is another shell here")


def assign(at: Situation, name: str, value: Value | None) -> None:
    """Set a variable, or unset it."""
    if name in _OWN_VARIABLES:
        raise Stuck(f"`{name}` is set, which changes what the shell does")
    at.variables[name] = value


def change(at: Situation, name: str, words: Sequence[Syntax], values: Words) -> None:
    """`export` and `unset` of variables."""
    for word in words:
        variable, value = _given(word, values)
        if not variable.isidentifier() or (value is not None and name == "unset"):
            raise Stuck(f"what `{name}` does")
        if value is not None or name == "unset":
            assign(at, variable, value)


def _given(word: Syntax, values: Words) -> tuple[str, Value | None]:
    """A variable, and what it is set to."""
    if word.type == "variable_assignment":
        name, value = assignment(word)
        return name, values.text(value)
    match values.fields([word]):
        case [str() as text]:
            name, sign, given = text.partition("=")
            return name, given if sign else None
        case _:
            return "", None


def options(at: Situation, words: Sequence[Value]) -> frozenset[str]:
    """The options after `set`, as far as they are known."""
    now, waiting = at.options, [str(word) for word in words]
    while waiting:
        word = waiting.pop(0)
        named = set(word[1:])
        if "o" in named and waiting:
            named = (named - {"o"}) | {_LONG.get(waiting.pop(0), "")}
        known = {*"eux", *(["pipefail"] if at.is_bash else [])}
        if word[:1] not in {"-", "+"} or not named or not named <= known:
            raise Stuck("what `set` is given")
        now = now | named if word.startswith("-") else now - named
    return now


def holds(test: Sequence[Value], words: Words) -> bool | None:
    """Whether the test does; None where that isn't known."""
    name, *rest = test
    if name != "test" and (not rest or rest.pop() != ("]]" if name == "[[" else "]")):
        return None
    return _holds(rest, words, is_pattern=name == "[[")


def _holds(test: Sequence[Value], words: Words, *, is_pattern: bool) -> bool | None:
    match test:
        case ["!", *others] if others:
            inner = _holds(others, words, is_pattern=is_pattern)
            return None if inner is None else not inner
        case ["-n" | "-z" as operator, str() as text]:
            return bool(text) == (operator == "-n")
        case [str() as operator, str() as path] if operator in _FILES:
            return _of_file(operator, path, words)
        case [str() as one, "=" | "==" | "!=" as operator, str() as other]:
            is_plain = not is_pattern or not any(character in other for character in "*?[\\")
            return (one == other) == (operator != "!=") if is_plain else None
        case [str() as one, "-eq" | "-ne" as operator, str() as other]:
            is_known = one.isdecimal() and other.isdecimal()
            return (int(one) == int(other)) == (operator == "-eq") if is_known else None
        case [str() as text] if not is_pattern:
            return bool(text)
        case _:
            return None


def _of_file(operator: str, path: str, words: Words) -> bool | None:
    node = words.find(path) if path else 0
    if node is None or (isinstance(node, Node) and _is_odd(node)):
        return None
    return isinstance(node, Node) and _FILES[operator](node)


def _is_odd(node: Node) -> bool:
    """Whether it is neither a file nor a folder."""
    return node.file is not None and not (node.is_folder or stat.S_ISREG(node.file.entry.kind))
