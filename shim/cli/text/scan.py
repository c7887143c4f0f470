"""`shim scan` for people: the dates first, then each function, then what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shim.scan.summary import Standing, counted, deadlines, others, problems, standing, urgent_first
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from rich.console import Console

    from shim.scan.outlook import Outlook
    from shim.scan.scanner import Scan, Scanned
    from shim.scan.summary import Deadline

_STYLES = {
    Standing.THERE: "dim",
    Standing.READY: "green",
    Standing.BARRED: "yellow",
    Standing.UNKNOWN: "magenta",
    Standing.FAILS: "red",
}
_ROOM, _MORE = 100, 24
"""Columns from which on functions stand in a table, and what each place besides the first takes."""


def print_scan(console: Console, scan: Scan) -> None:
    """Print all of it."""
    functions = urgent_first(scan)
    if functions and console.width >= _ROOM + _MORE * (len(scan.wanted) - 1):
        console.print(_table(scan, functions))
        console.print()
    else:
        for one in functions:
            console.print(Text(printable(one.facts.listed.name), "bold"))
            console.print(Padding(_block(one), (0, 0, 0, 2)))
    for problem in scan.problems:
        _print(console, Text(printable(problem), "bold red"))
    if not functions:
        _print(console, Text("there is no function on an OS-only runtime"))
    for problem, names in problems(functions).items():
        who = printable(names[0]) if len(names) == 1 else f"{len(names):,} functions"
        _print(console, Text(f"{who}: {printable(problem)}", "yellow"))
    for deadline in deadlines(scan):
        _print(console, _deadline(deadline, scan.day))
    if counts := others(scan):
        kinds = ", ".join(f"{count:,} on {kind}" for kind, count in counts.most_common())
        _print(console, Text(f"not looked at, as shim is not for them: {printable(kinds)}", "dim"))
    if not scan.is_complete:
        _print(console, Text("interrupted: this is what was known by then", "bold red"))


def _table(scan: Scan, functions: list[Scanned]) -> Table:
    """A line for each function, a column for each place where it is wanted."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("function", "now", "no updates from", "invoked by", "owner", *scan.wanted):
        table.add_column(title, overflow="fold")
    for one in functions:
        facts, listed = one.facts, one.facts.listed
        cells = (
            listed.name,
            f"{listed.runtime} {listed.architecture}",
            _until(one),
            _callers(one),
            str(facts.owner or "-"),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells), *map(_outlook, one.outlooks))
    return table


def _block(one: Scanned) -> Text:
    """The same where there is no room for a table."""
    listed, owner = one.facts.listed, one.facts.owner
    text = Text.assemble(
        f"{listed.runtime} {listed.architecture}, no updates from {_until(one)}\n",
        f"invoked by {printable(_callers(one))}\n",
    )
    if owner:
        text.append(f"owner {printable(str(owner))}\n")
    for outlook in one.outlooks:
        text.append_text(Text.assemble(f"to {outlook.wanted}: ", _outlook(outlook), "\n"))
    return text


def _outlook(outlook: Outlook) -> Text:
    """In a few words; what is against it, in the words of the first that is."""
    which = standing(outlook)
    reasons = outlook.reasons
    text = Text(f"{which}, {outlook.way}" if outlook.way else str(which), _STYLES[which])
    if reasons and which is not Standing.READY:
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        text.append(f": {printable(reasons[0])}{more}", "not bold")
    return text


def _deadline(deadline: Deadline, today: date) -> Text:
    runtime, days = deadline.runtime, deadline.days(today)
    when = "has no date yet"
    if days is not None and deadline.until is not None:
        since = "takes no updates since" if days <= 0 else "takes no updates from"
        when = f"{since} {deadline.until}" + (f", in {counted(days, 'day')}" if days > 0 else "")
    text = Text(f"{runtime.name} {when}: {counted(deadline.functions, 'function')}", "bold")
    for wanted, counts in deadline.standings:
        text.append(f"\n  to {wanted}: ", "not bold")
        text.append_text(Text(", ").join(_counts(counts)))
    return text


def _counts(counts: Mapping[Standing, int]) -> Iterator[Text]:
    for which, count in counts.items():
        yield Text(f"{count:,} {which.value}", _STYLES[which])


def _until(one: Scanned) -> str:
    runtime = one.facts.runtime
    return str((runtime and runtime.update_blocked) or "-")


def _callers(one: Scanned) -> str:
    if one.facts.callers is None:
        return "(not known)"
    return ", ".join(one.facts.qualifiers) or "-"


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=not console.is_terminal)
