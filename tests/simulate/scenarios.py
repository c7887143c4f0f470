"""The migrations of examples/migrations: read, planned, and simulated with real processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from shim.aws.function import read_function, state_of
from shim.package.packages import Packages
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written

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


def read_scenario(name: str, built: Path, *, verdicts: Verdicts, folder: Path) -> Scenario:
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
        day=DAY,
        bridge_path=folder / f"{name}-bridge.zip",
        layer_path=folder / f"{name}-layer.zip",
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
