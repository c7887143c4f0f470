"""Functions by chance, by CDK and Serverless: `python -m tests.templates.tools.campaign N FOLDER`.

Both tools are installed into FOLDER, once, as the locks in `examples/` say. What shim reads of what
they leave must be what it reads of the same functions by hand. docs/why/checked.md has what was
found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.templates.tools.compare import COMMANDS, compare
from tests.templates.tools.functions import drawn


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, metavar="N")
    parser.add_argument("tools", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random = Random(arguments.seed)
    functions = [drawn(random, f"shop-{number}") for number in range(arguments.number)]
    arguments.tools.mkdir(parents=True, exist_ok=True)
    count = 0
    for tool in COMMANDS:
        with tempfile.TemporaryDirectory(prefix="shim-tools-") as name:
            found = compare(tool, functions, Path(name), arguments.tools.resolve())
        for each in found:
            print(f"{tool} {each}")
        print(f"{tool}: {len(functions):,} functions, {len(found):,} differences", flush=True)
        count += len(found)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
