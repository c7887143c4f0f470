"""Holds verdicts against real starts: `python -m tests.check.oracle.campaign ARCH RUNTIME COUNT`.

Prints every seed on which the two disagree, with what both say; `1 --first SEED` tries one again.
"""

from __future__ import annotations

import argparse
import re
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
    from collections.abc import Iterable

    from shim.check.state import State
    from shim.check.verdict import Verdict

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


def campaign(
    arch: Arch, runtime: str, seeds: Iterable[int], *, folder: Path, is_linked: bool = False
) -> Tally:
    """Start the state of each seed for real, and compare."""
    programs = {one: Programs(arch=one, cache=cache_folder() / "programs") for one in Arch}
    root = unpack_root(runtime, arch, folder)
    generator = Generator(
        arch=arch, runtime=runtime, programs=programs, system=system_files(runtime, arch, root)
    )
    tally = Tally()
    for seed in seeds:
        state = generator.linked_state(seed) if is_linked else generator.state(seed)
        if seed % 10 == 0:
            state = as_zips(state, folder)
        expected = verdict(state)
        real = start_for_real(state, root, timeout=TIMEOUTS[arch])
        found = {one.code for one in expected.findings}
        for code in found:
            tally.codes[code] = tally.codes.get(code, 0) + 1
        if expected.answer is Answer.UNKNOWN:
            tally.unknown_states += 1
            tally.unknown.update(_causes(expected))
        elif expected.starts == real.ran:
            tally.agreed_starts += real.ran
            tally.agreed_fails += not real.ran
        else:
            tally.disagreed.append(
                f"seed {seed} {arch} {runtime}: verdict {expected.starts} ({', '.join(found)}),"
                f" ran {real.ran}: {real.output[:300]!r}"
            )
    return tally


def as_zips(state: State, folder: Path) -> State:
    """The same state, read back from real zips."""
    return replace(
        state,
        package=_as_zip(state.package, folder / "package.zip"),
        layers=tuple(
            _as_zip(layer, folder / f"layer{index}.zip") for index, layer in enumerate(state.layers)
        ),
    )


def _as_zip(package: Package, path: Path) -> Package:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry in package.entries:
            info = zipfile.ZipInfo(entry.name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (entry.kind | entry.mode) << 16
            archive.writestr(info, entry.read(0, entry.size))
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
    for line in tally.disagreed:
        print(line)
    print(f"{arguments.arch} {arguments.runtime}, seeds {seeds.start} to {seeds.stop - 1}:")
    print(
        f"{tally.agreed} agreed ({tally.agreed_starts} start, {tally.agreed_fails} don't),"
        f" {len(tally.disagreed)} disagreed, {tally.unknown_states} unknown,"
        f" {time.monotonic() - began:.0f} s"
    )
    for cause, count in tally.unknown.most_common():
        print(f"{count:6} {cause}")
    print(dict(sorted(tally.codes.items(), key=lambda item: -item[1])))
    return 1 if tally.disagreed else 0


if __name__ == "__main__":
    sys.exit(main())
