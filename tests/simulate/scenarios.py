"""The migrations of examples/migrations: read, planned, and simulated with real processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from shim.aws.function import read_function, state_of
from shim.package.packages import Packages
from shim.plan.alias import AliasPlan, find_alias_plan
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written
from shim.plan.search import whatever_starts
from shim.simulate.simulation import LiveAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.package.read import Package
    from shim.plan.plan import Plan

EXAMPLES = Path(__file__).parents[2] / "examples" / "migrations"
DAY = date(2026, 11, 22)

NAMES = (
    "go1x-to-al2023",
    "go1x-to-al2023-on-arm64",
    "x86-to-arm64-with-extension",
    "handler-renamed",
    "al2-to-al2023-newer-glibc",
)
ON_BULLSEYE = "provided.al2"
"""The runtime for which Debian 11 (glibc 2.31) stands in, where its glibc matters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One migration, with its packages and the plan for it."""

    name: str
    begin: State
    wanted: State
    layers: Mapping[Package, str]
    plan: Plan

    @property
    def alias(self) -> LiveAlias:
        """One that the function is on."""
        return LiveAlias(name="live", state=self.begin)

    def alias_plan(self, *, shares: tuple[float, ...]) -> AliasPlan:
        """The same change for traffic on that alias."""
        plan = find_alias_plan(
            self.begin,
            self.wanted,
            live=self.begin,
            alias=self.alias.name,
            old_version="41",
            shares=shares,
            answer=whatever_starts,
            day=DAY,
        )
        assert isinstance(plan, AliasPlan), plan
        return plan


def read_scenario(
    name: str, built: Path, *, verdicts: Verdicts, folder: Path, day: date = DAY
) -> Scenario:
    """The scenario whose packages `build.py` put into `built`; bridges go into `folder`."""
    packages = Packages()
    layers: dict[Package, str] = {}
    states = []
    for which in ("from", "to"):
        function = read_function(EXAMPLES / name / f"{which}.json").function
        package = packages.read(built / name / f"{which}.zip")
        own = []
        for arn in function.layers:
            own.append(packages.read(built / name / f"{arn.split(':')[6]}.zip"))
            layers[own[-1]] = arn
        states.append(state_of(function, package, tuple(own)))
    begin, wanted = states
    found = find_bridged_plan(
        begin,
        wanted,
        verdicts=verdicts,
        day=day,
        folder=folder,
        name=f"{name}-bridge",
    )
    assert isinstance(found, Bridged), found
    with written(found, verdicts=verdicts) as done:
        return Scenario(name=name, begin=begin, wanted=wanted, layers=layers, plan=done.plan)


def arguments(name: str, built: Path) -> Iterator[str]:
    """The same as a command line for `shim simulate`."""
    for which in ("from", "to"):
        yield from (f"--{which}", str(EXAMPLES / name / f"{which}.json"))
        yield from (f"--{which}-package", str(built / name / f"{which}.zip"))
        for arn in read_function(EXAMPLES / name / f"{which}.json").function.layers:
            yield from ("--layer", f"{arn}={built / name / (arn.split(':')[6] + '.zip')}")
