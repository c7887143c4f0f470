"""What `shim diff --fix` writes into the template, and what it leaves to people."""

from __future__ import annotations

import stat
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from shim.cli.terminal import open_console
from shim.cli.text.fix import print_fixes
from shim.document import document, encode
from shim.errors import ExitCode
from shim.package.output import new_file
from shim.templates.fixes import Rewritten, fixes_of, rewrite

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from shim.templates.between import Judge
    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding
    from shim.templates.fixes import Fix

FIXES_FORMAT = 1
"""Counted up when a reader of the JSON must know of a change."""


def run_fix(
    arguments: argparse.Namespace,
    comparison: Comparison,
    findings: Sequence[Finding],
    judge: Judge,
) -> ExitCode:
    """Write what is certain, or with --dry-run only show it; no where something is left."""
    fixes = fixes_of(comparison, findings, judge)
    files = rewrite(fixes)
    if not arguments.dry_run:
        for one in files:
            _write(one)
    if arguments.json:
        print(encode(document(FIXES_FORMAT, _content(fixes, files))))
    else:
        diffs = [_diff(one) for one in files]
        console = open_console(no_color=arguments.no_color)
        print_fixes(console, fixes, diffs, is_written=not arguments.dry_run)
    return ExitCode.OK if all(one.edits for one in fixes) else ExitCode.NO


def _write(one: Rewritten) -> None:
    path = Path(one.file)
    mode = stat.S_IMODE(path.stat().st_mode)
    with new_file(path) as file:
        file.write(one.after)
    path.chmod(mode)


def _diff(one: Rewritten) -> list[str]:
    before, after = (text.decode().splitlines() for text in (one.before, one.after))
    return list(unified_diff(before, after, one.file, one.file, lineterm=""))


def _content(fixes: Iterable[Fix], files: Iterable[Rewritten]) -> dict[str, object]:
    return {
        "fixes": [
            {
                "code": one.finding.code,
                "function": one.finding.function,
                "file": one.finding.place.file,
                "line": one.finding.place.line,
                "path": one.finding.place.path,
                "set": one.words,
                "isCertain": bool(one.edits),
            }
            for one in fixes
        ],
        "diff": [{"file": one.file, "lines": _diff(one)} for one in files],
    }
