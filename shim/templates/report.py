"""A comparison as JSON, SARIF 2.1.0, GitHub's annotations, and a pull request's comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim.check.findings import Severity
from shim.check.report import level, sarif, sarif_artifact
from shim.check.verdict import Answer
from shim.document import document, json_name
from shim.plan.wording import WORDS
from shim.templates.change import CODE, CONFIGURATION
from shim.templates.findings import CODES
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.templates.between import Between
    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding
    from shim.templates.rules import Deployed
    from shim.templates.value import Place

JSON_FORMAT = 1
"""Counted up when a reader of the JSON must know of a change."""

_COMMANDS = {
    Severity.ERROR: "error",
    Severity.UNKNOWN: "warning",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}


def as_json(
    comparison: Comparison, findings: Iterable[Finding], *, accepted: int
) -> dict[str, Any]:
    """All of it as plain values."""
    content = {
        "old": comparison.old.name,
        "new": comparison.new.name,
        "tool": comparison.new.tool.value,
        "functions": [_function(one) for one in comparison.changed],
        "findings": [_finding(one) for one in findings],
        "accepted": accepted,
    }
    return document(JSON_FORMAT, content)


def as_sarif(findings: Iterable[Finding]) -> dict[str, Any]:
    """The findings as one run."""
    return sarif("shim diff", CODES, map(_result, findings))


def as_annotations(findings: Iterable[Finding]) -> Iterator[str]:
    """One line each (GitHub Actions, "Workflow commands")."""
    for one in findings:
        values = {"file": one.place.file, "line": one.place.line, "col": one.place.column}
        values["title"] = f"{one.code}: {one.function}"
        said = ",".join(f"{name}={_property(value)}" for name, value in values.items() if value)
        yield f"::{_COMMANDS[one.severity]} {said}::{_escaped(f'{one.sentence}. {one.hint}')}"


def as_markdown(comparison: Comparison, findings: Iterable[Finding]) -> str:
    """A comment for a pull request: a table of functions, the findings, and the worst one drawn."""
    lines = [f"### shim diff: {_cell(comparison.new.name)}", ""]
    if not comparison.changed:
        return "\n".join([*lines, "No function changes.", ""])
    lines += ["| function | code call | configuration call | between |", "|---|---|---|---|"]
    for one in comparison.changed:
        code, configuration = (", ".join(names) or "-" for names in one.pair.calls)
        cells = (_cell(one.pair.new.id), code, configuration, _cell(_brief(one)))
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    for finding in findings:
        place = _cell(str(finding.place))
        lines.append(
            f"- **{finding.severity}** {place}: {_cell(finding.sentence)} `{finding.code}`"
        )
    drawn = max(comparison.changed, key=_rank)
    return "\n".join([*lines, "", *_drawing(drawn), ""])


def worst_of(deployed: Deployed) -> Answer | None:
    """What the states between the calls come to; None where there are none."""
    answers = [one.answer for one in deployed.between]
    return max(answers, key=lambda answer: answer.rank) if answers else None


def in_words(between: Between) -> str:
    """What decides whether it starts, in one line."""
    layers = "" if between.layers == "none" else f", layers {between.layers}"
    return printable(
        f"{between.code}, {between.architecture}, {between.runtime}, handler"
        f" {between.handler}{layers}"
    )


def judgement(between: Between) -> str:
    """Whether it starts, and why not, or what would have to hold."""
    if between.refusal:
        return f"refused: {between.refusal}"
    if between.verdict is None:
        return f"unknown, {between.lacks}: {between.code} would have to start like this"
    reason = between.verdict.reason
    word = WORDS[between.answer]
    return f"{word}: {reason.location} {reason.sentence}" if reason else word


def _rank(deployed: Deployed) -> int:
    answer = worst_of(deployed)
    return -1 if answer is None else answer.rank


def _brief(deployed: Deployed) -> str:
    answer = worst_of(deployed)
    return "one call does it" if answer is None else WORDS[answer]


def _drawing(deployed: Deployed) -> Iterator[str]:
    """GitHub draws mermaid; where one call does it, there is nothing to draw."""
    if not deployed.between:
        return
    yield "```mermaid"
    yield "flowchart LR"
    yield f'  old["{_label(deployed.pair.new.id)} now"]'
    yield '  new["as it shall be"]'
    for number, one in enumerate(deployed.between):
        first, second = ("code", "configuration") if one.code == "the new code" else (
            "configuration", "code",
        )  # fmt: skip
        yield f'  s{number}["{_label(in_words(one))}<br>{_label(WORDS[one.answer])}"]'
        yield f"  old -- {first} --> s{number} -- {second} --> new"
        if one.answer is Answer.FAILS:
            yield f"  style s{number} stroke:#d33,stroke-width:3px"
    yield "```"


def _function(deployed: Deployed) -> dict[str, Any]:
    pair = deployed.pair
    return {
        "function": pair.new.id,
        "changes": {json_name(name): pair.changes[name].value for name in (*CODE, *CONFIGURATION)},
        "isReplaced": pair.is_replaced,
        "between": [
            {
                "order": one.order.value,
                "code": one.code,
                "architecture": one.architecture,
                "runtime": one.runtime,
                "handler": one.handler,
                "layers": one.layers,
                "answer": one.answer.value,
                "reason": judgement(one),
            }
            for one in deployed.between
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "function": finding.function,
        "place": _place(finding.place),
        "oldPlace": _place(finding.old_place) if finding.old_place else None,
        "message": finding.sentence,
        "hint": finding.hint,
        "help": finding.url,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "path": place.path,
    }


def _result(finding: Finding) -> dict[str, Any]:
    where: dict[str, Any] = {"artifactLocation": sarif_artifact(finding.place.file)}
    if finding.place.line:
        where["region"] = {
            "startLine": finding.place.line,
            "startColumn": finding.place.column or 1,
        }
    return {
        "ruleId": finding.code,
        "ruleIndex": list(CODES).index(finding.code),
        "level": level(finding.severity),
        "message": {"text": f"{finding.function}: {finding.sentence}\n{finding.hint}"},
        "locations": [
            {
                "physicalLocation": where,
                "logicalLocations": [{"fullyQualifiedName": finding.place.path or "."}],
            }
        ],
    }


def _escaped(text: str) -> str:
    return printable(text).replace("%", "%25")


def _property(value: object) -> str:
    return _escaped(str(value)).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    """A text that ends no cell and begins no markup."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return printable("".join(f"\\{one}" if one in "\\`|[]*_" else one for one in text))


def _label(text: str) -> str:
    """A text in mermaid's quotes: what would end them is spelt as it has it."""
    return "".join(one if one.isalnum() or one in " .,:/_-" else f"#{ord(one)};" for one in text)
