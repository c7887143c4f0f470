"""Draws the README's picture: `python -m tests.docs.before_after docs/before-after.svg`.

A handler is renamed, its package with it, under a thousand invocations: code first, and by plan.
"""

from __future__ import annotations

import json
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from shim.check.verdicts import Verdicts
from shim.cli.case import read_case
from shim.cli.main import command_parser, find_command
from shim.cli.main import main as shim
from shim.simulate.by_verdict import VerdictStarter
from shim.simulate.drawing import as_svg
from shim.simulate.sandboxes import Traffic
from shim.simulate.simulation import Run, World
from tests.check.builders import launcher, program
from tests.plan.builders import zipped

SHOWN = ("code first", "the plan")


def simulate() -> list[Run]:
    """The change, in the current folder, once in each of two ways."""
    for name, handler in (("old.zip", "hello"), ("new.zip", "bin/hello")):
        zipped(Path(name), {"bootstrap": launcher(), handler: program()})
    now = {"FunctionName": "hello", "Runtime": "provided.al2023", "Handler": "hello"}
    Path("now.json").write_text(json.dumps(now))
    change = ["--from", "now.json", "--from-package", "old.zip", "--package", "new.zip"]
    assert shim(["plan", *change, "--handler", "bin/hello", "-o", "plan.json"]) == 0
    parser = command_parser("simulate", find_command("simulate"))
    verdicts = Verdicts()
    with read_case(parser.parse_args(["--plan", "plan.json"]), verdicts) as case:
        traffic = Traffic(rate=10, invocations=1000, is_regular=False)
        starter = VerdictStarter(verdicts=verdicts)
        world = World(begin=case.begin, starter=starter, traffic=traffic, seed=1)
        ways = case.changes(seed=world.seed, pause=0)
        return [world.run(name, ways[name]) for name in SHOWN]


if __name__ == "__main__":
    picture = Path(sys.argv[1]).absolute()
    with TemporaryDirectory() as folder, chdir(folder):
        picture.write_text(as_svg(simulate()), "utf-8")
