"""Stand-ins for packages and layers that aren't at hand, so that states can still be told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.check.findings import Finding, Severity
from shim.check.verdict import Verdict
from shim.check.verdicts import Verdicts
from shim.package.read import Package

if TYPE_CHECKING:
    from collections.abc import Hashable

    from shim.check.state import State


class PartialVerdicts(Verdicts):
    """Verdicts on states in which a stand-in may be: what decides a start then is unknown."""

    def __init__(self) -> None:
        """Without the runtimes' dates: these are rules of their own."""
        super().__init__()
        self._stand_ins: dict[Hashable, Package] = {}
        self._known: set[Package] = set()

    def stand_in(self, key: Hashable, name: str) -> Package:
        """What stands for the package that `key` tells from others."""
        if key not in self._stand_ins:
            self._stand_ins[key] = Package(path=name, entries=())
            self._known.add(self._stand_ins[key])
        return self._stand_ins[key]

    def is_absent(self, package: object) -> bool:
        """Whether it is a stand-in."""
        return isinstance(package, Package) and package in self._known

    def verdict(self, state: State) -> Verdict:
        """See `Verdicts`."""
        if self.is_absent(state.package):
            return Verdict(state=state, findings=(_ABSENT,))
        absent = tuple(one.path for one in state.layers if self.is_absent(one))
        if absent:
            state = replace(state, layers=(), absent_layers=(*state.absent_layers, *absent))
        return super().verdict(state)


_ABSENT = Finding(
    code="package-absent",
    location="Code",
    sentence="the package is not at hand",
    hint="compare where it lies: `--git`, or a folder for each side",
    severity=Severity.UNKNOWN,
)
