"""`shim plan`: the order of calls in which no state in between fails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from shim.check.verdict import Answer
from shim.check.verdicts import Verdicts
from shim.cli import options
from shim.cli.change import Change, read_change
from shim.cli.change_options import add_change_arguments
from shim.cli.day import today
from shim.cli.iam import print_reading_policy
from shim.cli.packing import packing
from shim.cli.terminal import open_console, print_note
from shim.document import encode
from shim.errors import ExitCode, InputError
from shim.package.names import file_stem
from shim.package.output import check_output, new_file
from shim.plan.bridge.planning import Bridged, Unbridged, written
from shim.plan.document import as_document, no_plan_as_document, promised
from shim.plan.drawing import draw_no_plan, draw_plan
from shim.plan.plan import Plan
from shim.plan.script import aws_script
from shim.plan.search import NoPlan
from shim.plan.wording import Names

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from datetime import date

    from shim.check.state import State
    from shim.cli.change import AliasNow
    from shim.cli.text.plan import Report
    from shim.package.read import Package
    from shim.plan.alias import AliasPlan
    from shim.plan.drawing import Drawing

    Bridges = Mapping[Package, str]
    """Those that were built, with what each is."""

DESCRIPTION = """\
Find the order of calls that changes a function's package, architecture, runtime, handler, layers
and environment without a failed invocation.

The two calls of the API, UpdateFunctionCode and UpdateFunctionConfiguration, are not one: between
them the function is a mix. Each state that a plan goes through starts, as `shim check` would say.
Where the packages at hand allow no such way, a bridge package or layer is built, which starts on
both sides, and the plan goes over it. Only where no bridge helps either, the plan goes through as
few states as can be of which it is unknown whether they start, and says which and why. Nothing is
changed in any account.

examples:
  aws lambda get-function --function-name orders > orders.json
  shim plan --from orders.json --from-package old.zip --package new.zip --runtime provided.al2023
  shim plan --from orders.json --from-package old.zip --package new.zip --to wanted.json
  shim plan --function orders --package new.zip --arch arm64 --handler bin/orders
  shim plan --function orders --arch arm64 --alias live --output plan.json
  shim plan --function orders --package new.zip --arch arm64 --aws > change.sh
  shim plan --function orders --package new.zip --arch arm64 --draw plan.svg

exit status 0: there is a plan, and every state that it leads to is known to start; 1: there is no
plan, and why; or it leads to an unknown state, and --allow-unknown wasn't given; 2: bad usage or
input. The state before the first call doesn't count, nor, with --alias, whether the new version is
known to start: it is invoked before the alias moves."""

FORMS = {"--aws": "print the calls of the AWS command line, as a script"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    add_change_arguments(parser)
    options.add_shares(parser)
    options.add_output(parser, "save the plan as JSON")
    parser.add_argument(
        "--bridge",
        type=options.file_path,
        metavar="FOLDER",
        help="where a bridge is written that the plan takes (default: beside --output, or here)",
    )
    options.add_draw(parser, "the states")
    options.add_allow_unknown(parser)
    parser.add_argument(
        "--day",
        type=options.day,
        metavar="DATE",
        help="what Lambda takes on that day counts, 2027-03-03 say (default: today)",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say too what each call guards against, and all that other orders go through",
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Find the plan, write what was asked for, print it."""
    if arguments.iam:
        return print_reading_policy(arguments)
    _check(arguments)
    day = arguments.day or today()
    run = _Run(
        arguments=arguments, change=read_change(arguments), verdicts=Verdicts(day=day), day=day
    )
    alias = run.change.alias
    return run.plan_function() if alias is None else run.plan_alias(alias)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.alias and arguments.draw:
        raise InputError("with --alias no state in between meets traffic: there is nothing to draw")
    for path in (arguments.output, arguments.draw):
        if path is not None:
            check_output(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """One call of the command."""

    arguments: argparse.Namespace
    change: Change
    verdicts: Verdicts
    day: date

    def plan_function(self) -> ExitCode:
        """For traffic on the function itself."""
        output: Path | None = self.arguments.output
        folder = self.arguments.bridge or (output.parent if output else Path())
        stem = file_stem(self.change.name)
        answer = self.change.bridged_plan(
            self.verdicts, day=self.day, folder=folder, name=f"{stem}-bridge"
        )
        if isinstance(answer, Unbridged):
            return self._refuse(answer)
        size = sum(package.size for package in answer.bridges)
        with (
            packing(size) as progress,
            written(answer, verdicts=self.verdicts, progress=progress) as bridged,
        ):
            plan = bridged.plan
            names = self._names(*plan.states)
            self._draw(lambda: draw_plan(plan, names=names, **self._judge()))
            self._save(plan, bridged.bridges)
        self._note_bridges(bridged)
        if not self._print_for_programs(plan, bridged.bridges):
            self._report(names).plan(bridged)
        return self._status(plan)

    def plan_alias(self, alias: AliasNow) -> ExitCode:
        """For traffic on an alias."""
        plan = self.change.alias_plan(
            alias, self.verdicts, day=self.day, shares=self.arguments.shares
        )
        if isinstance(plan, NoPlan):
            return self._refuse(Unbridged(answer=plan))
        self._save(plan)
        if not self._print_for_programs(plan):
            self._report(self._names(*plan.latest.states)).alias_plan(plan)
        return self._status(plan)

    def _status(self, plan: Plan | AliasPlan) -> ExitCode:
        """A pipeline goes on by itself only where the plan is known to lose nothing."""
        is_known = promised(plan, self.verdicts) is Answer.STARTS
        return ExitCode.OK if is_known or self.arguments.allow_unknown else ExitCode.NO

    def _refuse(self, answer: Unbridged) -> ExitCode:
        no_plan = answer.answer
        names = self._names(no_plan.begin, no_plan.wanted)
        self._draw(lambda: draw_no_plan(no_plan, names=names, **self._judge()))
        if self.arguments.json:
            document = no_plan_as_document(no_plan, bridge=answer.reasons, verdicts=self.verdicts)
            print(encode(document))
        else:
            self._report(names).no_plan(answer)
        return ExitCode.NO

    def _draw(self, draw: Callable[[], Drawing]) -> None:
        path: Path | None = self.arguments.draw
        if path is not None:
            _write(path, draw().html if path.suffix == ".html" else draw().svg)

    def _save(self, plan: Plan | AliasPlan, bridges: Bridges | None = None) -> None:
        if self.arguments.output:
            _write(self.arguments.output, self._document(plan, bridges), is_secret=True)

    def _print_for_programs(self, plan: Plan | AliasPlan, bridges: Bridges | None = None) -> bool:
        """Whether JSON or a script was asked for."""
        if self.arguments.json:
            print(self._document(plan, bridges), end="")
        elif self.arguments.aws:
            name = self.change.name or "FUNCTION"
            unknown = plan.unknown(self.verdicts.answer) if isinstance(plan, Plan) else ()
            script = aws_script(plan, name=name, arns=self.change.arns, unknown=unknown)
            print(script, end="")
        return bool(self.arguments.json or self.arguments.aws)

    def _document(self, plan: Plan | AliasPlan, bridges: Bridges | None) -> str:
        output: Path | None = self.arguments.output
        document = as_document(
            plan,
            arns=self.change.arns,
            bridges=bridges,
            target=self.change.target,
            folder=output.parent if output else None,
            **self._judge(),
        )
        return encode(document) + "\n"

    def _judge(self) -> _Judge:
        return {"verdicts": self.verdicts, "day": self.day}

    def _names(self, *states: State) -> Names:
        packages = dict.fromkeys(one for state in states for one in (state.package, *state.layers))
        return Names(packages, arns=self.change.arns)

    def _report(self, names: Names) -> Report:
        from shim.cli.text.plan import Report

        return Report(
            names=names,
            console=open_console(no_color=self.arguments.no_color),
            explains=self.arguments.explain,
            **self._judge(),
        )

    def _note_bridges(self, bridged: Bridged) -> None:
        """What was written goes to standard error: the data may go to a file."""
        for package in bridged.bridges:
            print_note(f"a bridge was written: {package.path}")


class _Judge(TypedDict):
    """What tells whether a state starts, and a call is taken."""

    verdicts: Verdicts
    day: date


def _write(path: Path, text: str, *, is_secret: bool = False) -> None:
    with new_file(path, is_secret=is_secret) as file:
        file.write(text.encode(errors="backslashreplace"))
