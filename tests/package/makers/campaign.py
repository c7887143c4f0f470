"""Packages made by other tools' own code: `python -m tests.package.makers.campaign FOLDER`.

Fetches npm's and PyPI's packages that makers.toml names into FOLDER, once; what else it needs
(zip, 7zz, bsdtar, go, cargo, java, ant, mvn, gradle, mono, mcs, perl, ruby, php, node, unzip) is
the machine's, and what isn't there is left out and counted. Of each package: what `shim check`
reads and says, beside what Info-ZIP's unzip makes of it, and beside a real start by a user who owns
nothing. Then the same tool's package with a script as `bootstrap`: what `shim pack` makes of it has
to start where the package itself does once its files may be run, and nowhere else. Any difference
is an error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from shim.arch import Arch
from shim.package.launchers import Flavour, launcher_files
from tests.package.makers.compare import SCRIPT, compare, fill, pack
from tests.package.makers.makers import Maker, NotMade, install, read_makers


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TOOL")
    arguments = parser.parse_args()
    tools = arguments.tools.resolve()
    install(tools)
    made: Counter[str] = Counter()
    left_out, differing = [], 0
    with tempfile.TemporaryDirectory(prefix="shim-makers-") as name:
        work = Path(name)
        work.chmod(0o755)
        fill(work / "launcher", launcher_files((Arch.X86_64,), Flavour.LEAN)["bootstrap"])
        fill(work / "script", SCRIPT)
        for maker in read_makers():
            if arguments.only not in maker.tool:
                continue
            try:
                differences = _hold(maker, work, tools)
            except NotMade as error:
                left_out.append(f"{maker.name}: {error}")
                continue
            made[maker.tool] += 1
            differing += bool(differences)
            for difference in differences:
                print(f"    DIFFERENCE: {difference}", flush=True)
    for one in left_out:
        print(f"left out: {one}")
    print(", ".join(f"{tool} {count}" for tool, count in made.items()))
    print(f"{made.total()} packages, {differing} with differences, {len(left_out)} left out")
    return 1 if differing else 0


def _hold(maker: Maker, work: Path, tools: Path) -> list[str]:
    """Make its two packages, and say where shim differs from what is real."""
    name = maker.name.replace(" ", "-")
    judged, given = work / f"{name}.zip", work / f"{name}-script.zip"
    maker.make(work / "launcher", judged, tools=tools)
    if maker.has_own_program:
        given = judged
    else:
        maker.make(work / "script", given, tools=tools)
    result = compare(judged, work / name, arch=maker.arch)
    packed = pack(given, work / f"{name}-packed", arch=maker.arch, is_program=maker.has_own_program)
    print(
        f"{maker.name:28} {result.entries:3} entries, unzip {result.unzip}, {result.real},"
        f" verdict: {result.answer} ({', '.join(result.codes)}); packed: {packed.real}"
    )
    wrong = [f"packed, it {packed.real}"] if packed.differs else []
    return [*result.differences, *wrong]


if __name__ == "__main__":
    sys.exit(main())
