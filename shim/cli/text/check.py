"""`shim check` for people: what starts where, what was found, how much room is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from shim.check.findings import Finding, Severity
from shim.check.rules import unzipped_size
from shim.check.verdict import Answer
from shim.cli.text.tables import Column, print_table
from shim.package.limits import format_size, read_limits
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from shim.check.state import State
    from shim.check.survey import Survey
    from shim.check.verdict import Verdict
    from shim.package.executables import GoProgram

SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.UNKNOWN: "magenta",
    Severity.WARNING: "yellow",
    Severity.NOTE: "cyan",
}
_SUMMARIES = {
    Answer.STARTS: ("starts", "every handler starts somewhere"),
    Answer.FAILS: ("does not start", "not every handler starts"),
    Answer.UNKNOWN: (
        "unknown whether it starts",
        "no handler fails everywhere, and of one at least it is unknown whether it starts",
    ),
}
"""Of one state, and of several."""


def print_surveys(console: Console, surveys: Iterable[Survey], *, explains: bool = False) -> None:
    """Print the report; where it `explains`, with how Go programs were built."""
    for survey in surveys:
        _print_survey(console, survey, explains=explains)


def _print_survey(console: Console, survey: Survey, *, explains: bool) -> None:
    state = survey.verdicts[0].state
    heading = f"{survey.function}: {_heading(state)}" if survey.function else _heading(state)
    console.print(Text(printable(heading), style="bold"), soft_wrap=True)
    numbers = {finding: number for number, finding in enumerate(survey.findings, start=1)}
    _print_table(console, survey, numbers)
    lines = Text()
    for finding, states in survey.findings.items():
        is_everywhere = len(states) == len(survey.verdicts)
        lines.append_text(
            _finding(finding, numbers[finding], states=() if is_everywhere else states)
        )
    if explains:
        lines.append("".join(_go_build(*one) for one in survey.go_programs.items()))
    # At once: for each call rich looks at the terminal again.
    console.print(lines.append(_summary(survey)), soft_wrap=True)


def _go_build(place: str, program: GoProgram) -> str:
    if program.build is None:
        return f"\n{printable(place)} is a Go program that doesn't say how it was built\n"
    settings = " ".join(
        f"{name}={value}"
        for name, value in program.build.settings.items()
        if value and name != "DefaultGODEBUG"  # a line of its own, and nothing was chosen
    )
    size = format_size(program.strippable)
    lines = [
        f"{place} was built by {program.build.toolchain}, {size} are symbols",
        *(f"  with {path} {version}" for path, version in program.build.versions.items()),
        f"  {settings}",
    ]
    return "\n" + "".join(f"{printable(line)}\n" for line in lines if line.strip())


def _heading(state: State) -> str:
    size = unzipped_size(state.package, *state.layers)
    limit = read_limits().unzipped
    zipped = f"{format_size(state.package.zipped)} zipped, " if state.package.zipped else ""
    layers = f" with {len(state.layers)} layers" if state.layers else ""
    left = f"{format_size(limit - size)} left" if size <= limit else "too large"
    return f"{printable(state.package.path)}{layers}: {zipped}{format_size(size)} unzipped, {left}"


def _print_table(console: Console, survey: Survey, numbers: Mapping[Finding, int]) -> None:
    """A line for each handler and architecture, a column for each runtime."""
    runtimes = list(dict.fromkeys(one.state.runtime for one in survey.verdicts))
    columns = [Column(title="handler", folds=True), Column(title="arch")]
    for runtime in runtimes:
        is_past = runtime not in survey.deciding
        columns.append(Column(title=f"({runtime.name})" if is_past else runtime.name))
    cells: dict[tuple[str, str], dict[str, Verdict]] = {}
    for one in survey.verdicts:
        row = (one.state.handler or "(any)", one.state.arch.value)
        cells.setdefault(row, {})[one.state.runtime.name] = one
    rows = [
        (
            Text(printable(handler)),
            Text(arch),
            *(_cell(by_runtime.get(runtime.name), numbers) for runtime in runtimes),
        )
        for (handler, arch), by_runtime in cells.items()
    ]
    print_table(console, columns, rows, is_grouped=True)


def _cell(verdict: Verdict | None, numbers: Mapping[Finding, int]) -> Text:
    if verdict is None:
        return Text("-", style="dim")
    match verdict.answer:
        case Answer.STARTS:
            return Text("starts", style="green")
        case Answer.UNKNOWN:
            return Text(
                f"unknown, {numbers[verdict.reasons[0]]}", style=SEVERITY_STYLES[Severity.UNKNOWN]
            )
        case Answer.FAILS:
            return Text(f"no, error {numbers[verdict.reasons[0]]}", style="red")


def _finding(finding: Finding, number: int, *, states: tuple[State, ...]) -> Text:
    """A finding; `states` are those that it was found in, empty where it was in all."""
    text = Text.assemble(
        (f"\n{finding.severity} {number}", SEVERITY_STYLES[finding.severity]),
        f": {printable(finding.location)} {printable(finding.sentence)} ",
        (f"[{finding.code}]\n", "dim"),
    )
    if states:
        where = dict.fromkeys(f"{state.runtime.name} {state.arch}" for state in states)
        text.append(f"  in {', '.join(where)}\n", "dim")
    return text.append(f"  hint: {printable(finding.hint)}\n")


def _summary(survey: Survey) -> str:
    counts = ", ".join(
        _counted(survey.count(severity), severity)
        for severity in Severity
        if survey.count(severity)
    )
    answer, several = _SUMMARIES[survey.answer]
    if any(one.state.runtime not in survey.deciding for one in survey.verdicts):
        several += " (runtimes in brackets are past their support, and don't count)"
    handlers = {one.state.handler for one in survey.verdicts}
    many = len(handlers) > 1 or len(survey.verdicts) > 1
    return f"\n{several if many else answer}" + (f": {counts}" if counts else "")


def _counted(count: int, severity: Severity) -> str:
    return f"{count} {severity}{'' if count == 1 or severity is Severity.UNKNOWN else 's'}"
