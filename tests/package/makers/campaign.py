"""Packages made by other tools' own code: `python -m tests.package.makers.campaign FOLDER`.

Fetches npm's and PyPI's packages that makers.toml names into FOLDER, once; what else it needs
(zip, 7zz, bsdtar, go, java, perl, ruby, php, node, unzip) is the machine's, and what isn't there is
left out and counted. Of each package: what `shim check` reads and says, beside what Info-ZIP's
unzip makes of it, and beside a real start by a user who owns nothing. Any difference is an error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from shim.arch import Arch
from shim.package.launchers import Flavour, launcher_files
from tests.package.makers.compare import compare, fill
from tests.package.makers.makers import install, read_makers


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", type=Path, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="TOOL")
    arguments = parser.parse_args()
    tools = arguments.tools.resolve()
    install(tools)
    made, left_out, differing = 0, [], 0
    with tempfile.TemporaryDirectory(prefix="shim-makers-") as name:
        work = Path(name)
        work.chmod(0o755)
        folder = work / "package"
        fill(folder, launcher_files((Arch.X86_64,), Flavour.LEAN)["bootstrap"])
        for number, maker in enumerate(read_makers()):
            if arguments.only not in maker.tool:
                continue
            output = work / f"{number}.zip"
            failed = "it is not here"
            if maker.is_there(tools):
                failed = maker.make(folder, output, tools=tools) or ""
            if failed:
                left_out.append(f"{maker.name}: {failed}")
                continue
            made += 1
            result = compare(output, work / f"{number}")
            differing += bool(result.differences)
            codes = ", ".join(result.codes)
            print(
                f"{maker.name:28} {result.entries:3} entries, unzip {result.unzip},"
                f" {result.real}, verdict: {result.answer} ({codes})"
            )
            for difference in result.differences:
                print(f"    DIFFERENCE: {difference}")
    for one in left_out:
        print(f"left out: {one}")
    print(f"{made} packages, {differing} with differences, {len(left_out)} left out")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
