"""Many functions on a served account: `python -m tests.aws.campaign [FUNCTIONS]`.

They are deployed by `shim deploy` in a process of its own, beside a neighbour who calls the same
account. Prints what it took, and ends with 1 where a function isn't what was wanted.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from shim.simulate.timing import Timing
from tests.aws.many import deploy_many, make_deployments, neighbour
from tests.aws.wire.server import Cloud, serving


def main() -> int:
    """Deploy them, print what it took; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", type=int, nargs="?", default=1000)
    parser.add_argument("--neighbour", type=float, default=0.0, help="calls a second")
    parser.add_argument("--ballast", type=int, default=0, help="bytes more in each package")
    arguments = parser.parse_args()
    timing = Timing(call=(0.0, 0.0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cloud").mkdir()
        with serving(Cloud(folder=folder / "cloud", timing=timing)) as cloud:
            line = _run(cloud, folder / "deployments", arguments)
    print(json.dumps(line, indent=2))
    return 0 if line["changed"] == arguments.functions else 1


def _run(cloud: Cloud, folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    wanted = make_deployments(
        cloud, folder, functions=arguments.functions, ballast=arguments.ballast
    )
    # A rate of zero is one that is never reached.
    with neighbour(cloud, rate=arguments.neighbour or 1e-9) as other:
        measured = deploy_many(cloud, folder, wanted)
    print(measured.said, file=sys.stderr)
    buckets = cloud.account().budget.buckets
    return {
        "functions": arguments.functions,
        "changed": measured.changed,
        "status": measured.status,
        "seconds, by the rates alone": round(measured.allowed, 1),
        "until the last call": round(measured.calling, 1),
        "until it had taken hold": round(measured.seconds, 1),
        "of what the rates allow": f"{measured.allowed / measured.calling:.1%}",
        "peak MB": round(measured.peak / 1e6),
        "calls": Counter(cloud.calls),
        "throttled": {name: bucket.refused for name, bucket in buckets.items()},
        "neighbour": {"taken": other.taken, "refused": other.refused},
    }


if __name__ == "__main__":
    sys.exit(main())
