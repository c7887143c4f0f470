"""Deployments as people see them: what will be sent, how it goes, how it ended."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from shim.deploy.events import Answered, Waiting, sentence
from shim.deploy.many import Ending, Outcome
from shim.plan.alias import AliasPlan
from shim.plan.wording import call_in_words, count_calls, prospect
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from shim.check.verdicts import Verdicts
    from shim.deploy.beforehand import Outlook
    from shim.deploy.events import Event
    from shim.deploy.folder import Deployment, DeploymentFolder
    from shim.plan.alias import AliasStep

_ROWS = 12
"""Functions that are shown at a time, of those that are on their way."""


def show_plan(
    deployment: Deployment,
    outlook: Outlook,
    *,
    verdicts: Verdicts,
    console: Console,
) -> None:
    """What will be sent, from where the function is; and what there is to say of it."""
    from rich.text import Text

    from shim.cli.text.states import States

    target, plan, names = deployment.target, deployment.plan, deployment.names
    where = ", ".join(filter(None, (target.account, target.region)))
    console.print(Text(f"{target.name}{f' ({where})' if where else ''}", "bold"))
    is_over = outlook.index == len(deployment.latest.steps)
    if is_over and not isinstance(plan, AliasPlan):
        return
    promise = "no traffic meets anything but whole versions"
    if not isinstance(plan, AliasPlan):
        promise = prospect(plan.unknown(verdicts.answer))
    console.print(f"{count_calls(len(plan.steps))}; {printable(promise)}", soft_wrap=True)
    if isinstance(plan, AliasPlan):
        for number, step in enumerate(plan.steps, start=1):
            console.print(f"{number:>3}  {printable(call_in_words(step, names))}", soft_wrap=True)
    else:
        states = States(names=names, verdicts=verdicts)
        states.print_table(plan, console)
        for line in states.undescribed():
            console.print(line, soft_wrap=True)
    if outlook.index and not is_over:
        console.print(f"call {outlook.index} has taken hold already: what is left follows")
    for note in outlook.notes:
        console.print(printable(note), soft_wrap=True)


def show_back(deployment: Deployment, outlook: Outlook, console: Console) -> None:
    """What will be sent on the way back."""
    plan, latest = deployment.plan, deployment.latest
    steps: list[AliasStep] = list(plan.way_back) if isinstance(plan, AliasPlan) else []
    if not outlook.latest_stays:
        steps += latest.way_back.steps[len(latest.steps) - outlook.index :]
    console.print(f"{deployment.target.name}: the way back")
    for step in steps:
        console.print(f"  {printable(call_in_words(step, deployment.names))}", soft_wrap=True)
    for note in outlook.notes:
        console.print(printable(note), soft_wrap=True)


def show_calls(calls: Iterable[Mapping[str, Any]], console: Console) -> None:
    """Calls with all that they carry."""
    for call in calls:
        text = json.dumps(call["parameters"], indent=2, ensure_ascii=False)
        console.print(f"\n{call['call']} {text}", soft_wrap=True)


def show_many(deployments: Iterable[Deployment], console: Console) -> None:
    """How many there are of each kind; each is looked at and forgotten."""
    counts = Counter(len(one.plan.steps) for one in deployments)
    console.print(f"{counts.total()} deployments")
    for calls, number in sorted(counts.items()):
        console.print(f"  {number} of {count_calls(calls)}")


def summary_of(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """How each has ended that didn't end well, and how many did; of one alone, how it did."""
    if len(outcomes) > 1:
        counts = Counter(one.ending for one in outcomes)
        yield ", ".join(f"{counts[ending]} {ending}" for ending in Ending if counts[ending])
    for one in outcomes:
        if len(outcomes) == 1 or one.ending is Ending.FAILED:
            yield from _lines_of(one)


def _lines_of(outcome: Outcome) -> Iterator[str]:
    calls = f", {count_calls(outcome.calls)}" if outcome.calls else ""
    problem = f": {outcome.problem}" if outcome.problem else ""
    yield printable(f"{outcome.folder.path}: {outcome.ending}{calls}{problem}")
    for line in outcome.hint.splitlines():
        yield printable(f"  hint: {line}")


class Board:
    """How deployments go, on standard error: of one every step; of many, on a terminal, a table.

    `tell` may be called from many threads.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._lock = Lock()
        self._running: dict[DeploymentFolder, str] = {}
        self._ended: Counter[Ending] = Counter()
        self._is_table = total > 1 and sys.stderr.isatty()

    @contextmanager
    def shown(self) -> Iterator[Board]:
        """As long as the block runs."""
        if not self._is_table:
            yield self
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, markup=False, highlight=False)
        with Live(get_renderable=self._table, console=console, transient=True):
            yield self

    def tell(self, folder: DeploymentFolder, event: Event) -> None:
        """What a deployment does now."""
        if isinstance(event, Answered):
            return
        text = printable(sentence(event))
        with self._lock:
            is_new = self._running.get(folder) != text
            self._running[folder] = text
        if self._total == 1 and (is_new or not isinstance(event, Waiting)):
            print(text, file=sys.stderr)

    def end(self, outcome: Outcome) -> None:
        """One that has ended."""
        with self._lock:
            self._running.pop(outcome.folder, None)
            self._ended[outcome.ending] += 1
        if self._total > 1 and not self._is_table:
            print(*_lines_of(outcome), sep="\n", file=sys.stderr)

    def _table(self) -> Table:
        from rich.table import Table

        with self._lock:
            running, ended = list(self._running.items()), self._ended.copy()
        counts = [f"{ended[ending]} {ending}" for ending in Ending if ended[ending]]
        on_their_way = f"{len(running)} on their way"
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_row(f"{ended.total()} of {self._total}", ", ".join([*counts, on_their_way]))
        for folder, text in running[:_ROWS]:
            table.add_row(printable(folder.path.name), text)
        return table
