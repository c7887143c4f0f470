"""The two states that a deployment leads from and to, as plans take them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shim.check.state import VARIABLES
from shim.templates.change import Changed
from shim.templates.functions import plain
from shim.templates.value import Reference, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.state import State
    from shim.package.read import Package
    from shim.templates.between import Judge
    from shim.templates.change import Pair
    from shim.templates.model import Function, Template

_FIELDS = {
    "code": "package",
    "architecture": "arch",
    "runtime": "runtime",
    "handler": "handler",
    "layers": "layers",
    "environment": "environment",
}
"""By setting: what a state calls it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """Both, with stand-ins for what isn't at hand; what stays as it is is one thing on both."""

    begin: State
    wanted: State


def ends_of(pair: Pair, judge: Judge) -> Ends | str:
    """The two, or what isn't known for them."""
    begin = _end(pair.old_side, pair.old, judge, unsaid=_unsaid(pair))
    wanted = _end(pair.new_side, pair.new, judge)
    if isinstance(begin, str):
        return begin
    if isinstance(wanted, str):
        return wanted
    kept = {
        field: _kept(getattr(begin, field), getattr(wanted, field), judge)
        for name, field in _FIELDS.items()
        if pair.changes[name] is Changed.NO
    }
    return Ends(begin=replace(begin, **kept), wanted=replace(wanted, **kept))


def _kept(old: Any, new: Any, judge: Judge) -> Any:
    """What is one thing on both sides, from the one on which it is at hand."""
    parts = old if isinstance(old, tuple) else (old,)
    return new if any(map(judge.verdicts.is_absent, parts)) else old


def _unsaid(pair: Pair) -> frozenset[str]:
    """Of code and layers, what is only a path that both sides name: nobody says what it had."""
    before, after = pair.old.package, pair.new.package
    is_same = before is not None and after is not None and before.samefile(after)
    unsaid = {"code": is_same, "layers": True}
    return frozenset(
        name for name, is_so in unsaid.items() if is_so and pair.changes[name] is Changed.UNKNOWN
    )


def _end(
    side: Template, function: Function, judge: Judge, *, unsaid: frozenset[str] = frozenset()
) -> State | str:
    state, lacks = judge.state((side, function), (side, function))
    if state is None or function.handler.unknown:
        return lacks or ""
    environment = environment_of(function)
    if isinstance(environment, str):
        return environment
    package = None if "code" in unsaid else function.package
    absent = judge.verdicts.stand_in((side, function.id), f"the code of {function.id}")
    return replace(
        state,
        package=judge.read(side, package) if package else absent,
        layers=tuple(_layers(side, function, judge, is_unsaid="layers" in unsaid)),
        absent_layers=(),
        environment=environment,
    )


def _layers(
    side: Template, function: Function, judge: Judge, *, is_unsaid: bool
) -> Iterator[Package]:
    content = function.layers.content
    contents = content if isinstance(content, list) else [content]
    for one, (name, path) in zip(contents, judge.layers_of(side, function), strict=True):
        # A published version never changes; what the template makes is each side's own.
        is_own = isinstance(one, Reference)
        if path and not (is_own and is_unsaid):
            yield judge.read(side, path)
        else:
            yield judge.verdicts.stand_in((side, name) if is_own else name, name)


def environment_of(function: Function) -> tuple[tuple[str, str], ...] | str:
    """Its variables, sorted by name; or what isn't known of them."""
    content = function.environment.content
    if content is not None and not isinstance(content, dict):
        return f"the environment is not known: {function.environment}"
    values = {name: plain(value) for name, value in (content or {}).items()}
    for name in VARIABLES & values.keys():
        if not isinstance(values[name], str):
            return f"the variable `{name}` is not known: {shown(values[name])}"
    # What isn't a text decides no start: it only has to be told from others.
    return tuple(
        sorted((name, one if isinstance(one, str) else repr(one)) for name, one in values.items())
    )
