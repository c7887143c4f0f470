"""Holds what was written against what was planned: each step is read again, as any template is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.plan.step import UpdateCode
from shim.templates.change import CODE, CONFIGURATION, Changed, have_same_files, pairs_of
from shim.templates.split.ends import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from shim.package.packages import Packages
    from shim.templates.change import Pair
    from shim.templates.model import Function, Template
    from shim.templates.project import Project
    from shim.templates.split.ways import Passage


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """See `Project`: what lies in any of these."""

    projects: tuple[Project, ...]

    def find(self, path: Path) -> Path | None:
        """See `Project`."""
        return next(filter(None, (one.find(path) for one in self.projects)), None)

    def name(self, path: Path) -> str:
        """See `Project`."""
        return path.name


def check_step(
    before: Template,
    after: Template,
    moved: Mapping[str, tuple[Passage, int]],
    packages: Packages,
    *,
    is_last: bool,
) -> None:
    """Raise `InputError` where a deployment would do anything but the calls that are planned.

    `moved` says by name how many of its deployments each function then has behind it.
    """
    for pair in pairs_of(before, after, packages):
        way, behind = moved.get(pair.new.id, (None, 0))
        if way is None:
            if not is_last:
                _check_calls(pair, frozenset())
            continue
        steps = way.deployments[behind - 1] if behind else ()
        _check_calls(pair, frozenset(CODE if isinstance(one, UpdateCode) else CONFIGURATION
                                     for one in steps))  # fmt: skip
        for setting in _wrong(pair.new, way, behind):
            _refuse(pair, setting)


def _check_calls(pair: Pair, expected: frozenset[tuple[str, ...]]) -> None:
    for names in {CODE, CONFIGURATION} - expected:
        for name in names:
            if pair.changes[name] is Changed.YES:
                _refuse(pair, name)


def _wrong(function: Function, way: Passage, behind: int) -> Iterator[str]:
    """The settings that are not those of the state; of what isn't known nothing is said."""
    state = way.state(behind)
    texts = {"runtime": state.runtime.name, "handler": state.handler, "architecture": state.arch}
    for name, text in texts.items():
        if (getattr(function, name).text or "") != text:
            yield name
    layers = function.layers.content
    if isinstance(layers, list) and len(layers) != len(state.layers):
        yield "layers"
    if environment_of(function) != state.environment:
        yield "environment"
    judge = way.deployed.judge
    if function.package is not None and not judge.verdicts.is_absent(state.package):
        found = judge.packages.read(function.package)
        is_same = found.entries is state.package.entries
        if not (is_same or have_same_files(found, state.package)):
            yield "code"


def _refuse(pair: Pair, setting: str) -> None:
    raise InputError(
        f"it can't be split by its template: {pair.new.id} would not have the {setting} that is"
        " planned, or not by itself",
        hint="set it in the function's own resource, in both templates",
    )
