"""`shim diff` for people: the functions that change, what is between, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from shim.check.findings import Severity
from shim.cli.text.check import SEVERITY_STYLES
from shim.cli.text.states import STYLES
from shim.templates.report import in_words, judgement
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding
    from shim.templates.rules import Deployed


def print_comparison(
    console: Console, comparison: Comparison, findings: Sequence[Finding], *, accepted: int
) -> None:
    """Print the report."""
    text = Text()
    for deployed in comparison.changed:
        text.append_text(_function(deployed))
    for number, finding in enumerate(findings, start=1):
        text.append_text(_finding(finding, number))
    # At once: for each call rich looks at the terminal again.
    console.print(text.append(_summary(comparison, findings, accepted)), soft_wrap=True)


def _function(deployed: Deployed) -> Text:
    pair = deployed.pair
    text = Text(f"{printable(pair.new.id)}: ", "bold")
    code, configuration = (", ".join(names).replace("_", " ") for names in pair.calls)
    if pair.is_replaced:
        return text.append("another function takes its place\n")
    if not (code and configuration):
        return text.append(f"one call changes {code or configuration}\n")
    text.append(f"one call changes {code}, another {configuration}\n")
    width = max(len(one.order) for one in deployed.between) if deployed.between else 0
    for one in deployed.between:
        text.append(f"  {one.order:<{width}}  {in_words(one)}\n")
        text.append(f"  {'':<{width}}  {printable(judgement(one))}\n", STYLES[one.answer])
    return text


def _finding(finding: Finding, number: int) -> Text:
    text = Text.assemble(
        (f"\n{finding.severity} {number}", SEVERITY_STYLES[finding.severity]),
        f": {printable(str(finding.place))} {printable(finding.function)}:"
        f" {printable(finding.sentence)} ",
        (f"[{finding.code}]\n", "dim"),
    )
    for sign, style, place in (("-", "red", finding.old_place), ("+", "green", finding.place)):
        if place and place.text.strip():
            text.append(f"  {sign} {place.line}: {printable(place.text.strip())}\n", style)
    return text.append(f"  hint: {printable(finding.hint)}\n")


def _summary(comparison: Comparison, findings: Sequence[Finding], accepted: int) -> str:
    counts = [
        f"{number} {severity}{'' if number == 1 or severity is Severity.UNKNOWN else 's'}"
        for severity in Severity
        if (number := sum(one.severity is severity for one in findings))
    ]
    counts += [f"{accepted} accepted"] if accepted else []
    functions = len(comparison.changed)
    changed = f"{functions} function{'' if functions == 1 else 's'} of {len(comparison.deployed)}"
    return f"\n{changed} may change" + (f": {', '.join(counts)}" if counts else "")
