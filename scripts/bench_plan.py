#!/usr/bin/env python3
"""Measures the planner: one function of each kind of change, then all kinds for many functions.

    scripts/bench_plan.py [--functions N] [--rounds N]

The packages are real: small programs compiled by zig, packed by shim, several handlers in each.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.verdicts import Verdicts
from shim.package.packages import Packages
from shim.plan.plan import Plan
from shim.plan.search import find_plan

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = date(2026, 11, 22)
HANDLERS = 151
"""In each package: so many that no two of a thousand functions share one."""

SOURCE = "int main(void) { return 0; }\n"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One function's change."""

    begin: State
    wanted: State
    bridges: tuple[Path, ...] = ()


@dataclass(kw_only=True)
class Measured:
    """What planning some functions took."""

    functions: int
    milliseconds: float
    cpu: float
    """Milliseconds too; what counts on a machine with other work."""
    read: int
    states: int
    verdicts: int
    calls: int


class Files:
    """The packages, made once; read anew for each measurement."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = {arch: self.program(arch) for arch in Arch}
        x86, arm = programs[Arch.X86_64], programs[Arch.ARM64]
        both = (x86, arm)
        names = [f"{kind}{number}" for kind in ("old", "new") for number in range(HANDLERS)]
        old, new = names[:HANDLERS], names[HANDLERS:]
        self.go = self.zip("go.zip", dict.fromkeys(old, x86))
        self.x86 = self.pack("x86.zip", old, x86)
        self.dual = self.pack("dual.zip", old, *both)
        self.renamed = self.pack("renamed.zip", new, *both)
        self.bridge = self.pack("bridge.zip", names, *both)
        self.agent = self.zip("agent.zip", {"extensions/agent": x86})
        self.agent_dual = folder / "agent-dual.zip"
        shim("extension", "agent", "--x86-64", x86, "--arm64", arm, "-o", self.agent_dual)

    def program(self, arch: Arch) -> Path:
        """A static program for one architecture."""
        source, target = self.folder / "main.c", self.folder / f"program-{arch}"
        source.write_text(SOURCE)
        machine = f"{arch.machine}-linux-musl"
        command = ["zig", "cc", "-target", machine, "-Os", "-s", "-static", source, "-o", target]
        subprocess.run([sys.executable, "-m", "ziglang", *command[1:]], check=True)
        return target

    def pack(self, name: str, handlers: list[str], *programs: Path) -> Path:
        """What `shim pack` makes of them."""
        inputs = [f"{handler}={program}" for handler in handlers for program in programs]
        shim("pack", *inputs, "-o", self.folder / name)
        return self.folder / name

    def zip(self, name: str, files: dict[str, Path]) -> Path:
        """A plain zip of programs."""
        with zipfile.ZipFile(self.folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, file in files.items():
                file.chmod(0o755)
                archive.write(file, name)
        return self.folder / name


def shim(*words: str | Path) -> None:
    """Run a command of shim's."""
    subprocess.run([sys.executable, "-m", "shim", *words], check=True, stdout=subprocess.DEVNULL)


def kinds(files: Files, packages: Packages) -> dict[str, Callable[[int], Change]]:
    """A change of each kind, by the function's number."""
    runtimes = read_runtimes()

    def change(number: int, code: Path, wanted: Path, **fields: object) -> Change:
        begin = State(
            package=packages.read(code),
            arch=Arch.X86_64,
            runtime=runtimes["provided.al2"],
            handler=f"old{number % HANDLERS}",
            environment=(("NUMBER", str(number)),),
        )
        return Change(begin=begin, wanted=replace(begin, package=packages.read(wanted), **fields))

    def from_go(number: int) -> Change:
        fields = {"runtime": runtimes["provided.al2023"], "arch": Arch.ARM64}
        one = change(number, files.go, files.dual, **fields)
        return replace(one, begin=replace(one.begin, runtime=runtimes["go1.x"]))

    def to_arm(number: int) -> Change:
        layers = (packages.read(files.agent_dual),)
        one = change(number, files.x86, files.dual, arch=Arch.ARM64, layers=layers)
        return replace(one, begin=replace(one.begin, layers=(packages.read(files.agent),)))

    def renamed(number: int) -> Change:
        one = change(number, files.x86, files.renamed, handler=f"new{number % HANDLERS}")
        return replace(one, bridges=(files.bridge,))

    def to_al2023(number: int) -> Change:
        return change(number, files.x86, files.dual, runtime=runtimes["provided.al2023"])

    def everything(number: int) -> Change:
        fields = {
            "runtime": runtimes["provided.al2023"],
            "arch": Arch.ARM64,
            "handler": f"new{number % HANDLERS}",
            "layers": (packages.read(files.agent_dual),),
            "environment": (("NUMBER", f"{number} more"),),
        }
        one = change(number, files.x86, files.renamed, **fields)
        begin = replace(one.begin, layers=(packages.read(files.agent),))
        return replace(one, begin=begin, bridges=(files.bridge,))

    def everything_barred(number: int) -> Change:
        return replace(everything(number), bridges=())

    def environment(number: int) -> Change:
        return change(number, files.x86, files.x86, environment=(("NUMBER", f"{number} more"),))

    return {
        "go1.x to al2023 and arm64": from_go,
        "x86_64 to arm64, with a layer": to_arm,
        "handler renamed, over a bridge": renamed,
        "al2 to al2023": to_al2023,
        "environment alone": environment,
        # The worst: every field changes, and all ways without a bridge are looked at first.
        "everything, over a bridge": everything,
        "everything, no bridge: no plan": everything_barred,
    }


def measure(files: Files, names: list[str], *, functions: int) -> Measured:
    """Read the packages, then plan for so many functions, the kinds in turn."""
    began, cpu = time.perf_counter(), time.process_time()
    packages, verdicts = Packages(), Verdicts(day=DAY)
    makers = [kinds(files, packages)[name] for name in names]
    states = calls = 0
    for number in range(functions):
        one = makers[number % len(makers)](number)
        bridges = tuple(map(packages.read, one.bridges))
        plan = find_plan(one.begin, one.wanted, bridges=bridges, answer=verdicts.answer, day=DAY)
        states += product_size(one)
        calls += len(plan.steps) if isinstance(plan, Plan) else 0
    return Measured(
        functions=functions,
        milliseconds=(time.perf_counter() - began) * 1000,
        cpu=(time.process_time() - cpu) * 1000,
        read=len(packages),
        states=states,
        verdicts=len(verdicts),
        calls=calls,
    )


def product_size(change: Change) -> int:
    """How many states the values of both ends and the bridges make."""
    begin, wanted = change.begin, change.wanted
    names = ("package", "arch", "runtime", "handler", "layers", "environment")
    size = 1
    for name in names:
        values = {getattr(begin, name), getattr(wanted, name)}
        size *= len(values) + (len(change.bridges) if name == "package" else 0)
    return size


def main() -> None:
    """The least of the rounds counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        files = Files(Path(folder))
        names = list(kinds(files, Packages()))
        cases = {name: ([name], 1) for name in names}
        cases["the first five in turn"] = (names[:5], arguments.functions)
        cases["all in turn"] = (names, arguments.functions)
        titles = ("functions", "ms", "CPU ms", "read", "states", "verdicts", "calls")
        print(f"{'':32}" + "".join(f"{title:>10}" for title in titles))
        for name, (chosen, functions) in cases.items():
            rounds = [measure(files, chosen, functions=functions) for _ in range(arguments.rounds)]
            best = min(rounds, key=lambda one: one.cpu)
            print(
                f"{name:32}{best.functions:10,}{best.milliseconds:10.1f}{best.cpu:10.1f}"
                f"{best.read:10}{best.states:10,}{best.verdicts:10,}{best.calls:10,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
