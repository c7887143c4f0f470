"""Judges the functions that share a package: it is read once, and let go of before the next one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.aws.function import state_of
from shim.check.state import VARIABLES
from shim.check.verdicts import Verdicts
from shim.errors import ShimError
from shim.package.read import read_package
from shim.scan.facts import why
from shim.scan.outlook import PACKAGE, find_outlook, not_read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from shim.aws.api import Function
    from shim.check.state import State
    from shim.package.read import Package
    from shim.scan.outlook import Outlook
    from shim.scan.wanted import Wanted

_LAYERS = 32
"""Layers that stay read: many functions have the same few."""


class Judge:
    """`day` is for the runtimes' dates."""

    def __init__(self, wanted: Sequence[Wanted], *, day: date) -> None:
        self._wanted, self._day = wanted, day
        self._layers: dict[Path, Package] = {}

    def outlooks(
        self,
        functions: Sequence[Function],
        package: Path | ShimError,
        layers: Mapping[str, Path | ShimError],
    ) -> list[tuple[Outlook, ...]]:
        """Of each function, by what it is wanted as; `layers` by ARN."""
        try:
            if isinstance(package, ShimError):
                raise package
            read = replace(read_package(package), path=PACKAGE)
        except ShimError as error:
            return [self.unread(why(error))] * len(functions)
        verdicts = Verdicts(day=self._day)
        known: dict[State, tuple[Outlook, ...]] = {}
        found = []
        for function in functions:
            state = self._state(function, read, layers)
            if state not in known:
                missing = [layers[arn] for arn in state.absent_layers]
                reasons = [why(one) for one in missing if isinstance(one, ShimError)]
                known[state] = tuple(
                    find_outlook(state, one, verdicts=verdicts, day=self._day, unread=reasons)
                    for one in self._wanted
                )
            found.append(known[state])
        return found

    def unread(self, why: str) -> tuple[Outlook, ...]:
        """Of a function whose package, or configuration, could not be had."""
        return tuple(not_read(one, why) for one in self._wanted)

    def _state(
        self, function: Function, package: Package, layers: Mapping[str, Path | ShimError]
    ) -> State:
        """What a verdict depends on: nothing of the environment besides."""
        environment = tuple(one for one in function.environment if one[0] in VARIABLES)
        function = replace(function, environment=environment)
        paths = [layers[arn] for arn in function.layers]
        at_hand = [path for path in paths if not isinstance(path, ShimError)]
        if len(at_hand) < len(paths):
            # What is in one of them, another may hide: of all of them nothing is known.
            return replace(state_of(function, package, ()), absent_layers=function.layers)
        read = zip(function.layers, at_hand, strict=True)
        return state_of(function, package, tuple(self._layer(*one) for one in read))

    def _layer(self, arn: str, path: Path) -> Package:
        known = self._layers.pop(path, None)
        if known is None:
            known = replace(read_package(path), path=":".join(arn.split(":")[-2:]))
        self._layers[path] = known
        if len(self._layers) > _LAYERS:
            del self._layers[next(iter(self._layers))]
        return known
