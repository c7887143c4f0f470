"""How `shim simulate` says what came of each way of changing a function."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shim.plan.wording import count_calls
from shim.simulate.changes import PLAN
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from shim.simulate.simulation import Run

MOST_MESSAGES = 3


def print_runs(console: Console, runs: Sequence[Run], *, why_not: str) -> None:
    """A table of all runs, and under it what callers got, with one message for each error type."""
    # What JSON doesn't take.
    from rich import box
    from rich.text import Text

    from shim.cli.text.tables import Column, print_table

    is_known = not any(run.unknown for run in runs)
    unknown = () if is_known else ("unknown",)
    headings = ("invocations", "failed", *unknown, "failing for", "sandboxes")
    columns = (Column(title="change"), *(Column(title=one, justify="right") for one in headings))
    rows = []
    for run in runs:
        counts = (
            (run.samples, run.failures) if is_known else (run.samples, run.failures, run.unknown)
        )
        cells = (
            run.name,
            *(f"{len(samples):,}" for samples in counts),
            f"{run.failing_seconds:.1f} s" if run.failures else "-",
            f"{run.starts:,}",
        )
        rows.append(tuple(map(Text, cells)))
    print_table(console, columns, rows, box=box.SIMPLE_HEAD)
    for run in runs:
        for line in _lines(run):
            print(printable(line))
    if why_not:
        print(printable(f"{PLAN}: there is none: {why_not}"))


def _lines(run: Run) -> list[str]:
    """What is to be said of a run beyond its numbers."""
    lines = [f"{run.name}: the change stopped half-way: {run.problem}"] if run.problem else []
    if not run.is_covered:
        lines.append(f"{run.name}: the traffic ended before the change: give more --invocations")
    if run.name == PLAN and run.lost_nothing:
        calls = count_calls(len(run.updates))
        lines.append(f"{run.name}: {calls}, every invocation was answered")
    messages = {one.outcome.error_type: one.outcome.message for one in run.failures}
    for error_type, count in run.errors.most_common(MOST_MESSAGES):
        message = messages[error_type].partition("\n")[0]
        lines.append(f"{run.name}: {count:,} x {error_type}: {message}".removesuffix(": "))
    doubts = Counter(one.outcome.message for one in run.unknown)
    for message, count in doubts.most_common(MOST_MESSAGES):
        lines.append(f"{run.name}: {count:,} x unknown whether answered: {message}")
    return lines
