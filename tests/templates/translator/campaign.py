"""Templates of SAM by chance: `python -m tests.templates.translator.campaign N [--first SEED]`.

What shim reads of each must be what it reads of what SAM's translator makes of it, and of the same
written by hand for CloudFormation. docs/why/checked.md has what was found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.templates.translator.compare import compare
from tests.templates.translator.generate import made


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number", type=int, metavar="N")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    arguments = parser.parse_args()
    found: Counter[str] = Counter()
    functions = 0
    with tempfile.TemporaryDirectory(prefix="shim-sam-") as name:
        for seed in range(arguments.first, arguments.first + arguments.number):
            one = made(Random(seed))
            functions += sum("Function" in each["Type"] for each in one.sam["Resources"].values())
            different = compare(one, Path(name))
            found.update(" ".join(each.split(" ")[:2]) for each in different)
            for each in different:
                print(f"seed {seed}: {each}", flush=True)
    print(f"{arguments.number:,} templates, {functions:,} functions: {found.total():,} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
