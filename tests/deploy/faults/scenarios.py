"""What is carried out while something goes wrong: plans for a function, and one for an alias."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.verdicts import Verdicts
from shim.package.read import read_package
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from tests.check.builders import launcher, program
from tests.plan.builders import zipped
from tests.plan.worlds import alias_plan
from tests.simulate.scenarios import NAMES, read_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.package.read import Package
    from shim.plan.alias import AliasPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A plan, and the layers that are published already."""

    name: str
    plan: Plan | AliasPlan
    verdicts: Verdicts
    layers: tuple[Package, ...] = ()

    @property
    def latest(self) -> Plan:
        """What happens to `$LATEST`."""
        return self.plan if isinstance(self.plan, Plan) else self.plan.latest


def made_up(folder: Path) -> Iterator[Scenario]:
    """Scenarios that take nothing but small packages."""
    files = {
        arch: {"bootstrap": launcher(arch), "orders": program(arch), "bills": program(arch)}
        for arch in Arch
    }
    old, new = (read_package(zipped(folder / f"{arch}.zip", files[arch])) for arch in Arch)
    layer = read_package(zipped(folder / "it's a layer.zip", {"lib/a.so": b"a"}))
    runtimes = read_runtimes()
    begin = State(
        package=old,
        arch=Arch.X86_64,
        runtime=runtimes["provided.al2"],
        handler="orders",
        environment=(("TOKEN", "old secret"),),
    )
    steps = (
        UpdateConfiguration(handler="bills", layers=(layer,)),
        UpdateCode(package=new, arch=Arch.ARM64),
        UpdateConfiguration(
            runtime=runtimes["provided.al2023"], environment=(("TOKEN", "new secret"),)
        ),
    )
    verdicts = Verdicts()
    yield Scenario(name="three calls", plan=Plan(begin=begin, steps=steps), verdicts=verdicts)
    alias = alias_plan(begin, replace(begin, package=new, arch=Arch.ARM64), 0.5)
    yield Scenario(name="an alias by shares", plan=alias, verdicts=verdicts)


def simulated(built: Path, folder: Path) -> Iterator[Scenario]:
    """Those of `shim simulate`, whose packages examples/migrations/build.py put into `built`."""
    verdicts = Verdicts()
    for name in NAMES:
        one = read_scenario(name, built, verdicts=verdicts, folder=folder)
        yield Scenario(name=name, plan=one.plan, verdicts=verdicts, layers=tuple(one.layers))
