"""Holds verdicts against real starts: `python -m tests.check.oracle.campaign ARCH RUNTIME COUNT`.

Prints every seed on which the two disagree, with what both say; `1 --first SEED` tries one again.
"""

from __future__ import annotations

import argparse
import re
import stat
import sys
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.findings import Severity
from shim.check.verdict import Answer, verdict
from shim.package.read import Package, read_package
from tests.check.oracle.generate import Generator
from tests.check.oracle.programs import Programs
from tests.check.oracle.real import start_for_real
from tests.check.oracle.roots import RELEASES, cache_folder, system_files, unpack_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shim.check.state import State
    from shim.check.verdict import Verdict
    from tests.check.oracle.real import RealStart

_LINE = re.compile(r"can't be followed beyond line \d+: |; whether .*|`[^`]*`|\(line \d+\)")
TIMEOUTS = {Arch.X86_64: 3.0, Arch.ARM64: 15.0}
"""Seconds for a start; arm64 is emulated."""


@dataclass(kw_only=True)
class Tally:
    """What a campaign came to."""

    agreed_starts: int = 0
    agreed_fails: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    """By what the verdict gives as the cause: neither agreement nor disagreement."""
    unknown_states: int = 0
    disagreed: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def agreed(self) -> int:
        """States on which verdict and reality agree."""
        return self.agreed_starts + self.agreed_fails

    @property
    def states(self) -> int:
        """All that were compared."""
        return self.agreed + len(self.disagreed) + self.unknown_states

    def compare(self, expected: Verdict, real: RealStart, *, where: str) -> None:
        """Count one state; `where` names it, should the two disagree."""
        found = {one.code for one in expected.findings}
        for code in found:
            self.codes[code] = self.codes.get(code, 0) + 1
        if expected.answer is Answer.UNKNOWN:
            self.unknown_states += 1
            self.unknown.update(_causes(expected))
        elif expected.starts == real.ran:
            self.agreed_starts += real.ran
            self.agreed_fails += not real.ran
        else:
            self.disagreed.append(
                f"{where}: verdict {expected.starts} ({', '.join(found)}),"
                f" ran {real.ran}: {real.output[:300]!r}"
            )

    def print(self, seconds: float) -> None:
        """What it came to."""
        for line in self.disagreed:
            print(line)
        print(
            f"{self.agreed} agreed ({self.agreed_starts} start, {self.agreed_fails} don't),"
            f" {len(self.disagreed)} disagreed, {self.unknown_states} unknown, {seconds:.0f} s"
        )
        for cause, count in self.unknown.most_common():
            print(f"{count:6} {cause}")
        print(dict(sorted(self.codes.items(), key=lambda item: -item[1])))


def new_generator(arch: Arch, runtime: str, root: Path) -> Generator:
    """Of states for a runtime, whose root folder is `root`."""
    programs = {one: Programs(arch=one, cache=cache_folder() / "programs") for one in Arch}
    system = system_files(runtime, arch, root)
    return Generator(arch=arch, runtime=runtime, programs=programs, system=system)


def campaign(
    arch: Arch, runtime: str, seeds: Iterable[int], *, folder: Path, is_linked: bool = False
) -> Tally:
    """Start the state of each seed for real, and compare."""
    root = unpack_root(runtime, arch, folder)
    generator = new_generator(arch, runtime, root)
    tally = Tally()
    for seed in seeds:
        state = generator.linked_state(seed) if is_linked else generator.state(seed)
        if seed % 10 == 0:
            state = as_zips(state, folder)
        real = start_for_real(state, root, timeout=TIMEOUTS[arch])
        tally.compare(verdict(state), real, where=f"seed {seed} {arch} {runtime}")
    return tally


def as_zips(
    state: State, folder: Path, change: Callable[[bytes], bytes] = lambda data: data
) -> State:
    """The same state, read back from real zips; `change` is asked about each file."""
    return replace(
        state,
        package=_as_zip(state.package, folder / "package.zip", change),
        layers=tuple(
            _as_zip(layer, folder / f"layer{index}.zip", change)
            for index, layer in enumerate(state.layers)
        ),
    )


def _as_zip(package: Package, path: Path, change: Callable[[bytes], bytes]) -> Package:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in package.entries:
            info = zipfile.ZipInfo(entry.name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (entry.kind | entry.mode) << 16
            data = entry.read(0, entry.size)
            archive.writestr(info, change(data) if entry.kind == stat.S_IFREG else data)
    return read_package(path)


def _causes(one: Verdict) -> set[str]:
    """Why it isn't known, without the names that differ from state to state."""
    unknown = [found for found in one.findings if found.severity is Severity.UNKNOWN]
    return {f"{found.code}: {_LINE.sub('', found.sentence)}" for found in unknown}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arch", type=Arch)
    parser.add_argument("runtime", choices=RELEASES)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument(
        "--linked", action="store_true", help="only what asks much of the dynamic linker"
    )
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.count)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shim-oracle-") as folder:
        tally = campaign(
            arguments.arch,
            arguments.runtime,
            seeds,
            folder=Path(folder),
            is_linked=arguments.linked,
        )
    print(f"{arguments.arch} {arguments.runtime}, seeds {seeds.start} to {seeds.stop - 1}:")
    tally.print(time.monotonic() - began)
    return 1 if tally.disagreed else 0


if __name__ == "__main__":
    sys.exit(main())
