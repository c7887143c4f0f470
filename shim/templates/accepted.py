"""Findings that somebody has accepted: by a comment with a reason, or by a baseline file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shim.document import document
from shim.fields import naming, read_file, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding

BASELINE_FORMAT = 1
"""Counted up when a reader must know of a change."""

_COMMENT = re.compile(r"#\s*shim:\s*ignore\[([a-z0-9, -]+)\]\s+\S")
"""`# shim: ignore[two-calls-runtime] nobody calls it at night`: without a reason it is none."""


def is_commented(finding: Finding, comparison: Comparison) -> bool:
    """Whether its line, or that of its function's name, has a comment that accepts it."""
    function = comparison.new.functions.get(finding.function)
    places = (finding.place, *([function.place] if function else ()))
    return any(
        finding.code in [code.strip() for code in found[1].split(",")]
        for place in places
        if (found := _COMMENT.search(place.text))
    )


def read_baseline(path: Path) -> frozenset[tuple[str, str, str]]:
    """The keys of findings that were there before."""
    with naming(str(path)):
        field = read_json(read_file(path))["findings"]
        return frozenset(
            (one["code"].text(), one["function"].text(), one["path"].text())
            for one in field.items()
        )


def baseline(findings: Iterable[Finding]) -> dict[str, Any]:
    """A baseline of these findings."""
    keys = sorted({one.key for one in findings})
    names = ("code", "function", "path")
    return document(
        BASELINE_FORMAT, {"findings": [dict(zip(names, key, strict=True)) for key in keys]}
    )
