"""What `shim diff --split` writes, and what it says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.check.findings import Severity
from shim.cli.terminal import open_console
from shim.cli.text.diff import print_comparison
from shim.cli.text.split import print_split
from shim.document import encode
from shim.errors import ExitCode
from shim.templates.report import as_json
from shim.templates.split.report import as_object
from shim.templates.split.split import split

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding
    from shim.templates.read import Side

_CURED = {"two-calls", "two-calls-layers", "two-calls-runtime", "calls-refused"}
"""What is said of the one deployment, and no longer holds for several."""


def run_split(
    arguments: argparse.Namespace,
    sides: tuple[Side, Side],
    comparison: Comparison,
    findings: Sequence[Finding],
) -> ExitCode:
    """Write the deployments where every function gets through, and say what each is."""
    accepted = len(comparison.findings) - len(findings)
    done = split(*sides, comparison, arguments.split, allow_unknown=arguments.allow_unknown)
    stuck = done.stuck(allow_unknown=arguments.allow_unknown)
    if arguments.json:
        content = as_json(comparison, findings, accepted=accepted)
        print(encode({**content, "split": as_object(done)}))
    else:
        console = open_console(no_color=arguments.no_color)
        print_comparison(console, comparison, findings, accepted=accepted)
        print_split(console, done, stuck)
    is_bad = any(one.severity is Severity.ERROR and one.code not in _CURED for one in findings)
    return ExitCode.NO if stuck or is_bad else ExitCode.OK
