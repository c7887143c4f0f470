"""What a shell does itself with variables and options, in the few forms that are followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.check.situation import Situation, Stuck
from shim.package.shell import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.check.situation import Value
    from shim.check.words import Words
    from shim.package.shell import Word

_UNFOLLOWED = (
    " alias bg bind break builtin caller command compgen complete compopt continue coproc declare"
    " dirs disown enable eval fc fg getopts hash help history jobs kill let local logout mapfile"
    " popd pushd read readarray readonly return select shift shopt suspend time times trap type"
    " typeset ulimit umask unalias wait "
)
"""What a shell does itself, and isn't followed here."""

_OWN_VARIABLES = frozenset({"IFS", "PWD", "OLDPWD", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT"})
"""Variables that change what the shell does."""

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


def change(at: Situation, name: str, words: Sequence[Word], values: Words) -> None:
    """`export` and `unset` of variables."""
    for word in words:
        text = word[0].text if word and isinstance(word[0], Text) else ""
        variable, sign, value = text.partition("=")
        if not variable.isidentifier() or (sign and name == "unset"):
            raise Stuck(f"what `{name}` does")
        if sign:
            assign(at, variable, values.text((Text(text=value), *word[1:])))
        elif name == "unset":
            assign(at, variable, None)


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
