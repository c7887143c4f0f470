"""`shim simulate`: a change under traffic, in the orders that tools take and by plan."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from shim.check.runtimes import lambda_runtimes, read_runtimes
from shim.check.verdicts import Verdicts
from shim.cli import options
from shim.cli.case import read_case
from shim.cli.change_options import add_change_arguments
from shim.cli.emulator import sigterm_as_exit
from shim.cli.iam import print_reading_policy
from shim.cli.place import Places, add_place
from shim.cli.request import read_event
from shim.cli.terminal import open_console, print_note, progress
from shim.cli.text.simulate import print_runs
from shim.cli.traffic import add_pause
from shim.document import encode
from shim.errors import ExitCode, InputError
from shim.package.output import check_output, new_file
from shim.simulate.by_verdict import VerdictStarter
from shim.simulate.changes import PLAN
from shim.simulate.drawing import as_html, as_svg
from shim.simulate.sandboxes import Traffic
from shim.simulate.simulation import World, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.cli.case import Case
    from shim.simulate.sandboxes import Starter
    from shim.simulate.simulation import Run

DESCRIPTION = """\
Show what a change costs: the function under traffic, changed in the orders that common tools take
and by shim's plan, on a control plane in memory that behaves as Lambda's. Each new sandbox is a
real start of the real package under AWS's emulator; time is virtual."""

EPILOG = """\
examples:
  shim simulate --from old.json --to new.json --from-package old.zip --to-package new.zip
  shim simulate --plan plan.json --rate 50 --invocations 10000 --seed 2 --draw change.svg
  shim simulate --plan plan.json --event event.json
  shim simulate --from old.json --to new.json --from-package old.zip --to-package new.zip \\
      --layer arn:aws:lambda:eu-west-1:1:layer:audit:3=audit.zip --by-verdict

  shim simulate --from old.json --from-package old.zip --package new.zip --alias live=7 --share 0.1

--from and --to are what `aws lambda get-function` prints. docs/reference/simulate.md tells what is
simulated and how faithfully.

exit status: 0 the plan lost no invocation, 1 it did, or with --by-verdict may have, or there is no
plan, 2 bad usage or input, 3 this machine could not do it, 130 interrupted"""

_FOR_STARTS = {"event": "event", "root": "root", "place": "in", "images": "image", "rie": "rie"}
"""Options that are for starts alone, by their arguments' names."""

_NOTES_BY_VERDICT: tuple[str, ...] = (
    "no process is started: what fails, and what is unknown, is what `shim check` says",
)
_MOST_INVOCATIONS, _MOST_RATE = 1_000_000, 10_000.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    add_change_arguments(parser)
    add = parser.add_argument
    add(
        "--plan",
        type=options.file_path,
        metavar="FILE",
        help="instead of all these: what `shim plan` saved",
    )
    add("--rate", type=_rate, default=10.0, metavar="N", help="invocations a second (default: 10)")
    add(
        "--invocations",
        type=options.whole_number(1, _MOST_INVOCATIONS),
        default=1000,
        metavar="N",
        help="invocations in all, for each way of changing (default: 1000)",
    )
    add("--regular", action="store_true", help="evenly spaced invocations, instead of at random")
    add("--seed", type=int, default=1, metavar="N", help="another seed, other times (default: 1)")
    add("--by-verdict", action="store_true", help="start no process, believe `shim check`")
    add(
        "--root",
        type=_pair,
        action="append",
        default=[],
        metavar="RUNTIME=FOLDER",
        help="a root folder that stands in for a runtime; without one this machine does",
    )
    add_place(parser)
    add(
        "--image",
        type=_pair,
        action="append",
        default=[],
        metavar="RUNTIME=IMAGE",
        help="the containers' image for a runtime (default: AWS's)",
    )
    options.add_event(parser)
    add_pause(parser)
    options.add_shares(parser)
    options.add_draw(parser, "the time line")
    options.add_emulator(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Simulate each way of changing the function, show them side by side."""
    if arguments.iam:
        return print_reading_policy(arguments)
    event = read_event(arguments.event)
    if arguments.draw:
        check_output(arguments.draw)
    roots, images = _roots(arguments.root), _by_runtime(arguments.image)
    if arguments.by_verdict:
        _refuse_starting(arguments)
    verdicts = Verdicts()
    with sigterm_as_exit(), ExitStack() as stack:
        change = stack.enter_context(read_case(arguments, verdicts))
        starter: Starter = VerdictStarter(verdicts=verdicts)
        notes = _NOTES_BY_VERDICT
        if not arguments.by_verdict:
            # What few runs need.
            from shim.simulate.by_start import EVENT, RealStarter

            places = Places(arguments, stack, images=images, is_shared=True)
            real = RealStarter(places, roots=roots, verdicts=verdicts, event=event or EVENT)
            starter = stack.enter_context(real)
            notes = _notes(change, roots, places)
        for note in notes:
            print_note(note)
        world = World(
            begin=change.begin,
            starter=starter,
            traffic=Traffic(
                rate=arguments.rate,
                invocations=arguments.invocations,
                is_regular=arguments.regular,
            ),
            seed=arguments.seed,
            layers=change.layers,
            day=change.day,
            alias=change.alias,
        )
        runs = _simulate(world, change, pause=arguments.pause)
    if arguments.draw:
        _draw(runs, arguments.draw)
    if arguments.json:
        print(encode(as_json(world, runs, notes=notes, why_not=change.why_not)))
    else:
        print_runs(open_console(no_color=arguments.no_color), runs, why_not=change.why_not)
    planned = [one for one in runs if one.name == PLAN]
    lost_nothing = bool(planned) and all(one.lost_nothing for one in planned)
    return ExitCode.OK if lost_nothing else ExitCode.NO


def _refuse_starting(arguments: argparse.Namespace) -> None:
    options_by_name = {
        "event": "event",
        "root": "root",
        "place": "in",
        "image": "image",
        "rie": "rie",
    }
    for name, option in options_by_name.items():
        if getattr(arguments, name) and name not in arguments.configured:
            raise InputError(f"--by-verdict starts nothing, and can't go along with --{option}")


def _simulate(world: World, case: Case, *, pause: float) -> list[Run]:
    ways = case.changes(seed=world.seed, pause=pause)
    runs = []
    for name, way in ways.items():
        with progress(f"simulating: {name}", world.traffic.invocations) as advance:
            runs.append(world.run(name, way, progress=lambda _: advance(1)))
    return runs


def _by_runtime(pairs: list[tuple[str, str]]) -> dict[str, str]:
    for name, _ in pairs:
        if name not in read_runtimes():
            known = ", ".join(runtime.name for runtime in lambda_runtimes())
            raise InputError(f"not an OS-only runtime: `{name}`", hint=f"one of {known}")
    return dict(pairs)


def _roots(pairs: list[tuple[str, str]]) -> dict[str, Path]:
    roots = {name: Path(folder).absolute() for name, folder in _by_runtime(pairs).items()}
    for folder in roots.values():
        if not Path(folder, "usr").is_dir():
            raise InputError(f"not the root folder of a system: `{folder}`")
    return roots


def _notes(change: Case, roots: Mapping[str, Path], places: Places) -> tuple[str, ...]:
    """What is not as on Lambda in these runs."""
    notes = []
    for one in (change.begin, change.wanted):
        name = one.runtime.name
        if name in roots:
            system: str | None = f"the root folder {roots[name]}"
        else:
            system = places(one.runtime).system(one.arch)
        notes.append(
            f"{name}: {system} stands in for it"
            if system
            else f"{name}: this machine stands in for it; what only the runtime lacks"
            " (glibc, libraries, interpreters), the verdict says"
        )
    return tuple(dict.fromkeys(notes))


def _draw(runs: list[Run], path: Path) -> None:
    text = as_svg(runs) if path.suffix == ".svg" else as_html(runs)
    with new_file(path) as file:
        file.write(text.encode(errors="backslashreplace"))


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"not NAME=PATH: {text}")
    return name, value


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= _MOST_RATE:
        raise argparse.ArgumentTypeError(f"not a number above 0, up to {_MOST_RATE:,.0f}: {text}")
    return rate
