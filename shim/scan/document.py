"""A scan as JSON, which `--from` reads back, and as a table for spreadsheets."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

from shim.check.state import VARIABLES
from shim.document import as_object, document
from shim.scan.summary import deadlines, others, standing, urgent_first
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from shim.scan.outlook import Outlook
    from shim.scan.scanner import Scan, Scanned

SCAN_FORMAT = 1
"""Counted up when a reader must know of a change."""

_COLUMNS = (
    *("function", "account", "region", "runtime", "support ends", "updates blocked"),
    *("architecture", "owner", "invoked by", "wanted", "answer", "standing", "way"),
    *("reasons", "problems"),
)


def as_document(scan: Scan) -> dict[str, Any]:
    """All of it as plain values; docs/reference/scan.md says what is where."""
    content = {
        "day": scan.day.isoformat(),
        "isComplete": scan.is_complete,
        "problems": list(scan.problems),
        "wanted": list(scan.wanted),
        "deadlines": [
            {
                "runtime": one.runtime.name,
                "updatesBlocked": _iso(one.until),
                "functions": one.functions,
                "standings": [
                    {"wanted": wanted, "standing": which.value, "functions": count}
                    for wanted, counts in one.standings
                    for which, count in counts.items()
                ],
            }
            for one in deadlines(scan)
        ],
        "functions": [_function(one) for one in urgent_first(scan)],
        "others": [
            {"runtime": runtime, "functions": count} for runtime, count in others(scan).items()
        ],
        "layers": [{"arn": arn, "codeSha256": sha256} for arn, sha256 in scan.layers.items()],
    }
    return document(SCAN_FORMAT, content)


def as_csv(scan: Scan) -> str:
    """A line for each function and each place where it is wanted."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in urgent_first(scan):
        writer.writerows([*map(_cell, row)] for row in _rows(one))
    return text.getvalue()


def _function(one: Scanned) -> dict[str, Any]:
    facts, listed, function = one.facts, one.facts.listed, one.facts.listed.function
    runtime = facts.runtime
    return {
        "name": listed.name,
        "arn": listed.arn,
        "runtime": listed.runtime,
        "architecture": listed.architecture,
        "codeSha256": listed.code_sha256,
        "codeSize": listed.code_size,
        "handler": function.handler if function else None,
        "layers": list(function.layers) if function else [],
        # Of the environment what a start depends on, and nothing else: it has secrets in it.
        "environment": {
            name: value
            for name, value in (function.environment if function else ())
            if name in VARIABLES
        },
        "problem": listed.problem or None,
        "supportEnds": _iso(runtime.support_ends) if runtime else None,
        "createBlocked": _iso(runtime.create_blocked) if runtime else None,
        "updatesBlocked": _iso(runtime.update_blocked) if runtime else None,
        "tags": [{"key": key, "value": value} for key, value in facts.tags],
        "owner": as_object(facts.owner) if facts.owner else None,
        "callers": None if facts.callers is None else [as_object(c) for c in facts.callers],
        "problems": list(facts.problems),
        "outlooks": [_outlook(outlook) for outlook in one.outlooks],
    }


def _outlook(outlook: Outlook) -> dict[str, Any]:
    return {
        "wanted": outlook.wanted,
        "answer": outlook.answer.value,
        "standing": standing(outlook).value,
        "calls": None if outlook.calls is None else list(outlook.calls),
        "bridges": list(outlook.bridges),
        "withLauncher": outlook.with_launcher,
        "unknownStates": outlook.doubts,
        "against": [as_object(against) for against in outlook.against],
        "buildAnew": [as_object(anew) for anew in outlook.anew],
    }


def _rows(one: Scanned) -> Iterator[tuple[str, ...]]:
    facts, listed, runtime = one.facts, one.facts.listed, one.facts.runtime
    for outlook in one.outlooks:
        yield (
            *(listed.name, listed.account, listed.region, listed.runtime),
            *(str((runtime and runtime.support_ends) or ""),),
            *(str((runtime and runtime.update_blocked) or ""),),
            *(listed.architecture, str(facts.owner or ""), ", ".join(facts.qualifiers)),
            *(outlook.wanted, outlook.answer.value, standing(outlook).value, outlook.way),
            "; ".join(outlook.reasons),
            "; ".join(facts.problems),
        )


def _cell(text: str) -> str:
    """Spreadsheets take what begins so for a formula, and these words are other people's."""
    shown = printable(text)
    return f"'{shown}" if shown[:1] in {"=", "+", "-", "@"} else shown


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
