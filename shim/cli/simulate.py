"""`shim simulate`: a change under traffic, in the orders that tools take and by plan."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from shim.check.runtimes import lambda_runtimes, read_runtimes
from shim.check.verdicts import Verdicts
from shim.cli import options
from shim.cli.change import read_change
from shim.cli.change_options import add_change_arguments
from shim.cli.emulator import check_system, find_emulator, sigterm_as_exit
from shim.cli.iam import print_reading_policy
from shim.cli.terminal import open_console, print_note, progress
from shim.cli.text.simulate import print_runs
from shim.document import encode
from shim.errors import ExitCode, InputError
from shim.fields import naming, read_file
from shim.package.output import check_output, new_file
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written
from shim.plan.plan import Plan
from shim.plan.saved import read_plan
from shim.simulate.by_verdict import VerdictStarter
from shim.simulate.drawing import as_html, as_svg
from shim.simulate.sandboxes import Traffic
from shim.simulate.simulation import PLAN, World, as_json, changes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.check.state import State
    from shim.package.read import Package
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
  shim simulate --from old.json --to new.json --from-package old.zip --to-package new.zip \\
      --layer arn:aws:lambda:eu-west-1:1:layer:audit:3=audit.zip --by-verdict

--from and --to are what `aws lambda get-function` prints. docs/simulate.md tells what is simulated
and how faithfully.

exit status: 0 the plan lost no invocation, 1 it did, or with --by-verdict may have, or there is no
plan, 2 bad usage or input, 3 this machine could not do it, 130 interrupted"""

_MOST_INVOCATIONS, _MOST_RATE = 1_000_000, 10_000.0
_ALIAS = "traffic on an alias never meets a mix of old and new: there is nothing to simulate"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """What is simulated."""

    begin: State
    wanted: State
    plan: Plan | None
    why_not: str
    """Why there is no plan."""
    layers: Mapping[Package, str]
    """The ARNs of those that have one."""
    day: date | None


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
    options.add_draw(parser, "the time line")
    options.add_emulator(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Simulate each way of changing the function, show them side by side."""
    if arguments.iam:
        return print_reading_policy(arguments)
    if not arguments.by_verdict:
        check_system("`shim simulate` without --by-verdict")
    if arguments.draw:
        check_output(arguments.draw)
    roots = _roots(arguments.root)
    verdicts = Verdicts()
    with sigterm_as_exit(), ExitStack() as stack:
        change = stack.enter_context(_case(arguments, verdicts))
        starter: Starter = VerdictStarter(verdicts=verdicts)
        if not arguments.by_verdict:
            # Only Linux has all that this imports.
            from shim.simulate.by_start import RealStarter

            program = find_emulator(arguments.rie)
            starter = stack.enter_context(RealStarter(program, roots=roots, verdicts=verdicts))
        notes = _notes(change, roots, by_verdict=arguments.by_verdict)
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
        )
        runs = _simulate(world, change)
    if arguments.draw:
        _draw(runs, arguments.draw)
    if arguments.json:
        print(encode(as_json(world, runs, notes=notes, why_not=change.why_not)))
    else:
        print_runs(open_console(no_color=arguments.no_color), runs, why_not=change.why_not)
    planned = [one for one in runs if one.name == PLAN]
    lost_nothing = bool(planned) and all(one.lost_nothing for one in planned)
    return ExitCode.OK if lost_nothing else ExitCode.NO


def _simulate(world: World, change: _Case) -> list[Run]:
    ways = changes(change.begin, change.wanted, change.plan, seed=world.seed, day=change.day)
    runs = []
    for name, way in ways.items():
        with progress(f"simulating: {name}", world.traffic.invocations) as advance:
            runs.append(world.run(name, way, progress=lambda _: advance(1)))
    return runs


@contextmanager
def _case(arguments: argparse.Namespace, verdicts: Verdicts) -> Iterator[_Case]:
    """What the arguments ask for; a bridge lies on disk as long as the block runs."""
    if arguments.plan:
        if arguments.from_file or arguments.function:
            raise InputError("a plan has all that --from and --function would say")
        yield _saved(arguments.plan)
        return
    if arguments.alias:
        raise InputError(_ALIAS, hint="without --alias, traffic on $LATEST is simulated")
    change = read_change(arguments)
    _check_layers(change.begin)
    day = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory(prefix="shim-bridge-") as folder, ExitStack() as stack:
        found = find_bridged_plan(
            change.begin,
            change.wanted,
            verdicts=verdicts,
            day=day,
            bridge_path=Path(folder, "bridge.zip"),
            layer_path=Path(folder, "bridge-layer.zip"),
        )
        plan, why_not = None, ""
        if isinstance(found, Bridged):
            plan = stack.enter_context(written(found, verdicts=verdicts)).plan
        else:
            why_not = "; ".join(found.reasons) or found.answer.reason.value
        yield _Case(
            begin=change.begin,
            wanted=change.wanted,
            plan=plan,
            why_not=why_not,
            layers=change.arns,
            day=day,
        )


def _saved(path: Path) -> _Case:
    with naming(str(path)):
        saved = read_plan(read_file(path))
    if not isinstance(saved.plan, Plan):
        raise InputError(f"{_ALIAS}: `{path}`", hint="make the plan without --alias")
    _check_layers(saved.plan.begin)
    return _Case(
        begin=saved.plan.begin,
        wanted=saved.plan.states[-1],
        plan=saved.plan,
        why_not="",
        layers=saved.arns,
        day=saved.day,
    )


def _check_layers(state: State) -> None:
    if state.absent_layers:
        raise InputError(
            f"without its layers the function can't be started: `{state.absent_layers[0]}`",
            hint=f"say where they lie: `--from-layer {state.absent_layers[0]}=ZIP`",
        )


def _roots(pairs: list[tuple[str, str]]) -> dict[str, Path]:
    for name, folder in pairs:
        if name not in read_runtimes():
            known = ", ".join(runtime.name for runtime in lambda_runtimes())
            raise InputError(f"not an OS-only runtime: `{name}`", hint=f"one of {known}")
        if not Path(folder, "usr").is_dir():
            raise InputError(f"not the root folder of a system: `{folder}`")
    return {name: Path(folder).absolute() for name, folder in pairs}


def _notes(change: _Case, roots: Mapping[str, Path], *, by_verdict: bool) -> tuple[str, ...]:
    """What is not as on Lambda in these runs."""
    if by_verdict:
        return (
            "no process is started: what fails, and what is unknown, is what `shim check` says",
        )
    names = dict.fromkeys(one.runtime.name for one in (change.begin, change.wanted))
    return tuple(
        f"{name}: the root folder {roots[name]} stands in for it"
        if name in roots
        else f"{name}: this machine stands in for it; what only the runtime lacks"
        " (glibc, libraries, interpreters), the verdict says"
        for name in names
    )


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
