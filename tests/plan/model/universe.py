"""Universes: few values for each field, and a verdict on every combination of them."""

from __future__ import annotations

import random
import zipfile
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.verdict import Answer
from shim.package.read import Package, read_package
from tests.plan.model.checker import Space

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DAYS = (None, date(2026, 11, 22), date(2027, 2, 15), date(2027, 3, 10))
"""Without dates; nothing but go1.x blocked; al2 no longer moved to; al2 no longer changed."""

SCRIPT = b'#!/bin/sh\nexec $(grep "^$_HANDLER " handlers)\n'
"""What it runs is what another program prints: whether that starts can't be told."""

Layers = tuple[Package, ...]
Environment = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class Universe:
    """The values, and for both sides what starts."""

    name: str
    packages: tuple[Package, ...]
    runtimes: tuple[str, ...]
    handlers: tuple[str, ...] = ("orders",)
    layers: tuple[Layers, ...] = ((),)
    environments: tuple[Environment, ...] = ((),)
    architectures: tuple[Arch, ...] = tuple(Arch)
    bridges: tuple[int, ...] = ()
    """The indexes of the packages that are bridges."""
    layer_bridges: tuple[int, ...] = ()
    handler_bridges: tuple[int, ...] = ()

    def states(self) -> list[State]:
        """Every combination, in the order in which the checker counts them."""
        runtimes = read_runtimes()
        return [
            State(
                package=package,
                arch=arch,
                runtime=runtimes[runtime],
                handler=handler,
                layers=layers,
                environment=environment,
            )
            for package, arch, runtime, handler, layers, environment in product(
                self.packages,
                self.architectures,
                self.runtimes,
                self.handlers,
                self.layers,
                self.environments,
            )
        ]

    def space(self, day: date | None) -> Space:
        """What the checker works on; nothing starts yet."""
        return Space(
            counts=(
                len(self.packages),
                len(self.architectures),
                len(self.runtimes),
                len(self.handlers),
                len(self.layers),
                len(self.environments),
            ),
            architectures=tuple(arch.value for arch in self.architectures),
            runtimes=self.runtimes,
            day=day.isoformat() if day else "",
            starts=0,
            bridges=frozenset(self.bridges),
            layer_bridges=frozenset(self.layer_bridges),
            handler_bridges=frozenset(self.handler_bridges),
        )


def judge_by_chance(space: Space, seed: int, *, starting: float, unknown: float = 0.0) -> None:
    """Verdicts by chance: these shares; but nothing starts where no function can be."""
    chance = random.Random(seed)
    space.starts = space.unknown = 0
    for number in range(len(space.values)):
        drawn = chance.random()
        if not space.is_possible(number):
            continue
        if drawn < starting:
            space.starts |= 1 << number
        elif drawn < starting + unknown:
            space.unknown |= 1 << number


def judge(space: Space, answers: list[Answer]) -> None:
    """Verdicts that were given before."""
    space.starts = sum(1 << n for n, one in enumerate(answers) if one is Answer.STARTS)
    space.unknown = sum(1 << n for n, one in enumerate(answers) if one is Answer.UNKNOWN)


def blank_universe() -> Universe:
    """Packages with nothing in them, for verdicts by chance."""
    names = ("old", "new", "other", "bridge")
    packages = {name: Package(path=f"{name}.zip", entries=()) for name in (*names, "a", "b")}
    return Universe(
        name="by chance",
        packages=tuple(packages[name] for name in names),
        runtimes=("go1.x", "provided.al2", "provided.al2023"),
        handlers=("old", "new"),
        layers=((), (packages["a"],), (packages["b"],)),
        bridges=(3,),
        layer_bridges=(2,),
    )


def narrow_universe() -> Universe:
    """The same with an environment, and fewer of the others."""
    packages = tuple(Package(path=f"{name}.zip", entries=()) for name in ("old", "new", "bridge"))
    layer = Package(path="layer.zip", entries=())
    return Universe(
        name="by chance, with an environment",
        packages=packages,
        runtimes=("provided", "provided.al2023", "debian-bookworm"),
        handlers=("old", "new"),
        layers=((), (layer,)),
        environments=((), (("A", "1"),)),
        bridges=(2,),
    )


def handler_universe() -> Universe:
    """Bridges that have a handler of their own."""
    packages = tuple(Package(path=f"{name}.zip", entries=()) for name in ("old", "new", "bridge"))
    layer = Package(path="layer.zip", entries=())
    return Universe(
        name="by chance, with a handler for the time of the change",
        packages=packages,
        runtimes=("go1.x", "provided.al2", "provided.al2023"),
        handlers=("old", "new", "between"),
        layers=((), (layer,)),
        bridges=(2,),
        layer_bridges=(1,),
        handler_bridges=(2,),
    )


class Zips:
    """Real zips with real launchers in them."""

    def __init__(self, folder: Path, launchers: Mapping[Arch, bytes], dual: bytes) -> None:
        self._folder = folder
        self._launchers = launchers
        self._dual = dual

    def zip(self, name: str, files: Mapping[str, bytes]) -> Package:
        """A zip of these programs, read back."""
        path = self._folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = 0o100755 << 16
                info.create_system = 3
                archive.writestr(info, data)
        return read_package(path)

    def single(self, name: str, arch: Arch, **programs: bytes) -> Package:
        """A launcher and programs for one architecture."""
        return self.zip(name, {"bootstrap": self._launchers[arch], **programs})

    def start(self, name: str, **programs: bytes) -> Layers:
        """The same as a layer, for x86_64."""
        return (self.single(name, Arch.X86_64, **programs),)

    def dual(self, name: str, **programs: bytes) -> Package:
        """Launchers for both; programs for arm64 have its suffix."""
        own = {f".shim/{arch.machine}": data for arch, data in self._launchers.items()}
        return self.zip(name, {"bootstrap": self._dual, **own, **programs})


def real_universes(zips: Zips, programs: Mapping[Arch, bytes], newer: bytes) -> list[Universe]:
    """The stories of docs/why/lambda.md; `newer` is for x86_64 and asks for glibc 2.34."""
    x86, arm = programs[Arch.X86_64], programs[Arch.ARM64]
    agent = {
        arch: (zips.zip(f"agent-{arch}", {"extensions/agent": programs[arch]}),) for arch in Arch
    }
    neither = (zips.zip("neither", {"notes": b"nothing to start"}),)
    return [
        Universe(
            name="architecture and layers",
            packages=(
                zips.single("x86", Arch.X86_64, orders=x86),
                zips.single("arm", Arch.ARM64, orders=arm),
                zips.dual("dual", orders=x86, orders_arm64=arm),
            ),
            runtimes=("provided.al2", "provided.al2023"),
            handlers=("orders", "bills"),
            layers=((), agent[Arch.X86_64], agent[Arch.ARM64], neither),
            bridges=(2,),
            layer_bridges=(3,),
        ),
        Universe(
            name="out of go1.x",
            packages=(
                zips.zip("go", {"old": x86}),
                zips.zip("own", {"bootstrap": x86}),
                zips.dual("new", new=x86, new_arm64=arm),
                zips.dual("bridge", old=x86, old_arm64=arm, new=x86, new_arm64=arm),
            ),
            runtimes=("go1.x", "provided", "provided.al2", "provided.al2023"),
            handlers=("old", "new", "bootstrap"),
            bridges=(3,),
        ),
        Universe(
            name="one call only",
            packages=(zips.zip("main", {"main": x86}), zips.single("behind", Arch.X86_64, new=x86)),
            runtimes=("go1.x", "provided.al2", "provided.al2023"),
            handlers=("main", "new", "between"),
            layers=((), zips.start("launcher"), zips.start("program", between=x86)),
            layer_bridges=(1, 2),
            handler_bridges=(2,),
        ),
        Universe(
            name="a newer glibc",
            packages=(
                zips.single("plain", Arch.X86_64, orders=x86),
                zips.single("newer", Arch.X86_64, orders=newer),
                zips.single("renamed", Arch.X86_64, bills=newer),
                zips.single("both", Arch.X86_64, orders=x86, bills=x86),
            ),
            runtimes=("provided.al2", "provided.al2023", "debian-bullseye", "debian-bookworm"),
            handlers=("orders", "bills"),
            environments=((), (("AWS_LAMBDA_EXEC_WRAPPER", "/opt/wrapper"),)),
            layers=((), (zips.zip("wrapper", {"wrapper": x86}),)),
            bridges=(3,),
            layer_bridges=(1,),
        ),
        Universe(
            name="scripts that can't be followed",
            packages=(
                zips.zip("script", {"bootstrap": SCRIPT, "old": x86}),
                zips.zip("script-both", {"bootstrap": SCRIPT, "old": arm, "new": x86}),
                zips.single("packed", Arch.X86_64, new=x86),
                zips.dual("over", old=x86, old_arm64=arm, new=x86, new_arm64=arm),
            ),
            runtimes=("provided.al2", "provided.al2023"),
            handlers=("old", "new", "other"),
            environments=((), (("STAGE", "prod"),)),
            bridges=(3,),
        ),
    ]
