"""A plan for people: its calls, the states in between, and what other orders go through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from shim.check.findings import Severity
from shim.plan.alias import AliasPlan, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.orders import Order, naive_changes
from shim.plan.refusals import refusal
from shim.plan.search import Reason
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from rich.console import Console

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.package.read import Package
    from shim.plan.alias import AliasStep
    from shim.plan.bridge.planning import Bridged, Unbridged
    from shim.plan.orders import Naive
    from shim.plan.plan import Plan

WHO = {
    Order.CODE_FIRST: "Serverless, CDK hotswap",
    Order.CONFIGURATION_FIRST: "Terraform, cargo-lambda",
    Order.PARALLEL: "CloudFormation",
    Order.SPLIT: "by hand",
}
"""Who sends the calls so (lambda.md has where it was read)."""

_COLUMNS = ("package", "arch", "runtime", "handler", "layers")
_FIXED = {1, 2}
"""Columns whose words are short, and are never broken."""

_FOLDS = 12
"""Characters that a word in another column has before it is broken."""

_LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHOWN = 3


class Report:
    """Prints on a console; `names` says what packages are called in a line."""

    def __init__(
        self,
        *,
        names: Mapping[Package, str],
        verdicts: Verdicts,
        day: date | None,
        console: Console,
    ) -> None:
        self._names = dict(names)
        self._verdicts = verdicts
        self._day = day
        self._console = console

    def plan(self, bridged: Bridged, sentences: Iterable[str | None]) -> None:
        """A plan for traffic on the function itself."""
        plan = bridged.plan
        if not plan.steps:
            self._print(Text("nothing to do: the function already is what is wanted", "bold"))
            return
        calls = f"{len(plan.steps)} call{'s' if len(plan.steps) > 1 else ''}"
        over = _over(bridged)
        self._print(Text(f"{calls}{over}; every state on the way starts", "bold"))
        self._print(self._table(plan))
        self._guards(zip(plan.steps, sentences, strict=True))
        self._bridges(bridged)
        self._naive(naive_changes(plan.begin, plan.wanted, day=self._day))
        self._way_back(plan)

    def alias_plan(self, plan: AliasPlan, sentences: Iterable[str | None]) -> None:
        """A plan for traffic on an alias."""
        if not plan.steps:
            self._print(Text("nothing to do: the alias already has what is wanted", "bold"))
            return
        self._print(
            Text(f"{len(plan.steps)} calls; no traffic meets anything but whole versions", "bold")
        )
        for number, (step, sentence) in enumerate(zip(plan.steps, sentences, strict=True), 1):
            self._print(Text(f"{number:>3}  {self._call(step)}"))
            if sentence:
                self._print(Text(f"     guards against {printable(sentence)}", "dim"), is_long=True)
        self._print(Text("\nthe way back", "bold"))
        for undo in plan.way_back:
            self._print(Text(f"     {self._call(undo)}"))

    def no_plan(self, unbridged: Unbridged) -> None:
        """Which state fails, and why."""
        answer = unbridged.answer
        self._print(Text(f"no plan: {answer.reason}", "bold red"), is_long=True)
        if answer.reason is Reason.BEGIN_FAILS:
            self._failure("now", answer.begin)
        elif answer.reason is Reason.WANTED_FAILS:
            self._failure("wanted", answer.wanted)
        else:
            for barred in answer.barred[:_SHOWN]:
                self._print(Text(f"\n{self._call(barred.step)}"))
                if barred.refusal:
                    self._print(Text(f"  is refused: {printable(barred.refusal)}"))
                else:
                    self._failure("leads to", barred.state)
            self._naive(naive_changes(answer.begin, answer.wanted, day=self._day))
        for index, reason in enumerate(unbridged.reasons):
            if not index:
                self._print(Text("\nno bridge helps", "bold"))
            self._print(Text(f"  - {printable(reason)}"), is_long=True)
        if answer.reason is Reason.BEGIN_FAILS:
            self._print(Text("hint: as it fails already, any order that the API takes is as good"))
        elif answer.reason is Reason.BARRED and answer.accepted:
            self._print(
                Text("\nhint: with traffic on an alias the order doesn't matter: `--alias NAME`")
            )

    def _table(self, plan: Plan) -> Table:
        """A line for each state, with what the call before it changed in bold.

        What is never there has no column.
        """
        rows = [self._cells(state) for state in plan.states]
        shown = [index for index, cells in enumerate(zip(*rows, strict=True)) if {*cells} != {"-"}]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("")
        table.add_column("call", no_wrap=True)
        for index in shown:
            longest = max(len(cells[index]) for cells in rows)
            table.add_column(
                _COLUMNS[index],
                no_wrap=index in _FIXED,
                overflow="fold",
                min_width=min(longest, _FOLDS),
            )
        table.add_column("")
        before = rows[0]
        for number, cells in enumerate(rows):
            texts = [
                Text(cells[index], "bold" if cells[index] != before[index] else "")
                for index in shown
            ]
            call = _kind(plan.steps[number - 1]) if number else "now"
            table.add_row(str(number) if number else "", call, *texts, Text("starts", "green"))
            before = cells
        return table

    def _cells(self, state: State) -> tuple[str, ...]:
        return (
            self._name(state.package),
            state.arch.value,
            state.runtime.name,
            printable(state.handler),
            " + ".join(map(self._name, state.layers)) or "-",
        )

    def _guards(self, steps: Iterable[tuple[AliasStep, str | None]]) -> None:
        for number, (_, sentence) in enumerate(steps, start=1):
            if sentence:
                self._print(Text(f"\n{number}  {printable(sentence)}"), is_long=True)

    def _bridges(self, bridged: Bridged) -> None:
        for package, what in bridged.bridges.items():
            is_layer = bridged.layer_bridge and package is bridged.layer_bridge.package
            which = "bridge layer" if is_layer else "bridge package"
            text = f" {printable(package.path)} {printable(what)}"
            self._print(Text.assemble("\n", (which, "bold"), text), is_long=True)
        if bridged.without:
            self._print(Text("\nwithout a bridge", "bold"))
            for barred in bridged.without.barred[:_SHOWN]:
                why = barred.refusal or self._reason(barred.state)
                self._print(Text(f"  - {self._call(barred.step)}: {printable(why)}"), is_long=True)

    def _naive(self, changes: Iterable[Naive]) -> None:
        """Each naive order with the states that fail, and why each does."""
        labels: dict[State, str] = {}
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        refused: dict[str, None] = {}
        for change in changes:
            failing = [one for one in change.states if not self._verdicts.starts(one)]
            for state in failing:
                if len(labels) < len(_LABELS):
                    labels.setdefault(state, _LABELS[len(labels)])
            found = "".join(sorted({labels[one] for one in failing if one in labels}))
            refusals = {f"{self._call(one.step)}: {one.refusal}": None for one in change.refused}
            refused |= refusals
            problems = [f"fails: {', '.join(found)}"] if failing else []
            problems += ["a call is refused"] if refusals else []
            result = ", ".join(problems) or "every state starts"
            style = "red" if problems else "green"
            table.add_row(f"  {change.order}", Text(WHO[change.order], "dim"), Text(result, style))
        self._print(Text("\nwithout a plan", "bold"))
        self._print(table)
        for state, label in list(labels.items()):
            self._failure(f"  {label} ", state)
        for text in refused:
            self._print(Text(f"  refused: {printable(text)}"), is_long=True)

    def _failure(self, title: str, state: State) -> None:
        self._print(Text.assemble((title, "red"), f" {self._line(state)}"), is_long=True)
        self._print(Text(f"       {printable(self._reason(state))}"), is_long=True)

    def _line(self, state: State) -> str:
        package, arch, runtime, handler, layers = self._cells(state)
        text = f"{package}, {arch}, {runtime}, handler {handler or '(none)'}"
        return text if layers == "-" else f"{text}, layers {layers}"

    def _reason(self, state: State) -> str:
        for one in self._verdicts.verdict(state).findings:
            if one.severity is Severity.ERROR:
                return f"{one.place} {one.sentence} [{one.code}]"
        return "starts"

    def _way_back(self, plan: Plan) -> None:
        back = plan.way_back
        for state, step in zip(back.states, back.steps, strict=False):
            if problem := refusal(state, step, day=self._day):
                self._print(Text(f"\nno way back: {printable(problem)}"), is_long=True)
                return
        self._print(Text("\nthe way back: the same calls in the other order, each undone"))

    def _call(self, step: AliasStep) -> str:
        match step:
            case UpdateCode():
                return f"UpdateFunctionCode: {self._name(step.package)}, {step.arch}"
            case UpdateConfiguration():
                return f"UpdateFunctionConfiguration: {', '.join(self._fields(step))}"
            case PublishVersion():
                return "PublishVersion"
            case InvokeVersion():
                return "Invoke the published version"
            case MoveAlias():
                share = f"{step.share:.0%} to the published version"
                to = share if step.share else f"all to version {step.old_version}"
                return f"UpdateAlias {printable(step.alias)}: {to}"

    def _fields(self, step: UpdateConfiguration) -> Iterable[str]:
        if step.runtime is not None:
            yield f"runtime {step.runtime.name}"
        if step.handler is not None:
            yield f"handler {printable(step.handler)}"
        if step.layers is not None:
            yield f"layers {' + '.join(map(self._name, step.layers)) or 'none'}"
        if step.environment is not None:
            # Values are secrets more often than not.
            yield f"environment {', '.join(name for name, _ in step.environment) or 'empty'}"

    def _name(self, package: Package) -> str:
        return printable(self._names.get(package, package.path))

    def _print(self, what: Text | Table, *, is_long: bool = False) -> None:
        self._console.print(what, soft_wrap=is_long)


def _kind(step: AliasStep) -> str:
    return "code" if isinstance(step, UpdateCode) else "configuration"


def _over(bridged: Bridged) -> str:
    bridges = [
        name
        for name, one in (("package", bridged.bridge), ("layer", bridged.layer_bridge))
        if one is not None
    ]
    return f" over a bridge {' and a bridge '.join(bridges)}" if bridges else ""
