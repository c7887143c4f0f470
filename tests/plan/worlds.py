"""A function on a control plane in memory, with real zips, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.aws.api import Configuration
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.deploy.executor import read_zip
from shim.package.read import Package, read_package
from shim.plan.alias import AliasPlan, find_alias_plan
from shim.plan.search import whatever_starts
from shim.simulate.control import ControlPlane
from shim.simulate.timeline import Timeline
from shim.simulate.timing import Timing
from tests.check.builders import launcher, program
from tests.plan import builders

if TYPE_CHECKING:
    from pathlib import Path

    from shim.aws.api import Function

AL2, AL2023, GO = (read_runtimes()[name] for name in ("provided.al2", "provided.al2023", "go1.x"))
NAME = "orders"
LIVE = "live"
"""An alias."""
QUICK = Timing(call=(0.0, 0.0), update=(4.5, 4.5), publish=(2.0, 2.0))


def zipped(path: Path, files: dict[str, bytes]) -> Package:
    """A package of these files, all of which may be executed."""
    return read_package(builders.zipped(path, files))


@dataclass(kw_only=True)
class World:
    """Packages that start on one architecture each, and a function with the first."""

    folder: Path
    timing: Timing = QUICK
    clock: Timeline = field(default_factory=Timeline)

    def __post_init__(self) -> None:
        self.packages = {
            arch: zipped(
                self.folder / f"{arch}.zip",
                {"bootstrap": launcher(arch), "orders": program(arch), "bills": program(arch)},
            )
            for arch in Arch
        }
        self.state = State(
            package=self.packages[Arch.X86_64], arch=Arch.X86_64, runtime=AL2, handler="orders"
        )
        self.plane = ControlPlane(self.clock, Random(1), name=NAME, timing=self.timing)
        for package in self.packages.values():
            self.plane.add_package(read_zip(package), package)
        self.plane.create(self.state, read_zip(self.state.package))

    @property
    def on_arm64(self) -> State:
        """The function after its code call."""
        return replace(self.state, package=self.packages[Arch.ARM64], arch=Arch.ARM64)

    @property
    def revision(self) -> str:
        """Of the function as it is now."""
        return self.plane.get_function(NAME).revision

    def change_handler(self, handler: str = "bills") -> Function:
        """Call for another handler, past every executor."""
        change = Configuration(handler=handler)
        return self.plane.update_configuration(NAME, change, revision=self.revision)

    def publish(self) -> Function:
        """Publish a version, and wait until it can be invoked."""
        now = self.plane.get_function(NAME)
        version = self.plane.publish_version(
            NAME, code_sha256=now.code_sha256, revision=now.revision
        )
        self.clock.sleep(2)
        return version


def alias_plan(begin: State, wanted: State, *shares: float) -> AliasPlan:
    """That for traffic on `LIVE`, whose version 1 is what `$LATEST` is now."""
    found = find_alias_plan(
        begin,
        wanted,
        live=begin,
        alias=LIVE,
        old_version="1",
        shares=shares,
        answer=whatever_starts,
        day=None,
    )
    assert isinstance(found, AliasPlan)
    return found
