"""A deployment compared: every function with what it passes through, and all findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.templates.change import pairs_of
from shim.templates.rules import Deployed, find, find_in_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shim.package.packages import Packages
    from shim.templates.between import Judge
    from shim.templates.findings import Finding
    from shim.templates.model import Template


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides of a deployment."""

    old: Template
    new: Template
    deployed: tuple[Deployed, ...]
    findings: tuple[Finding, ...]
    """The worst first."""

    @property
    def changed(self) -> tuple[Deployed, ...]:
        """The functions that change, or may."""
        return tuple(one for one in self.deployed if any(one.pair.calls))


def compare(old: Template, new: Template, judge: Judge, packages: Packages) -> Comparison:
    """All that is to be said of the way from one side to the other."""
    deployed = tuple(Deployed(pair=pair, judge=judge) for pair in pairs_of(old, new, packages))
    found = [
        finding for one in deployed if any(one.pair.calls) or _carries(one) for finding in find(one)
    ]
    found += find_in_layers(new, judge)
    return Comparison(old=old, new=new, deployed=deployed, findings=ordered(found))


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, then in the file's order."""
    return tuple(
        sorted(
            dict.fromkeys(findings),
            key=lambda one: (
                one.severity.rank,
                one.place.file,
                one.place.line or 0,
                one.place.path,
            ),
        )
    )


def _carries(one: Deployed) -> bool:
    return bool(one.pair.changed("role", "dead_letter"))
