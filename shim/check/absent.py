"""Layers that a function has and that are not at hand: what they could have is left open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.check.findings import Severity
from shim.check.tree import OPT

if TYPE_CHECKING:
    from shim.check.findings import Finding
    from shim.check.state import State

_HINT = "give the layers' zips, in the function's order: `--layer ZIP`"


def left_open(state: State, missing: Finding, path: str = OPT) -> Finding:
    """A finding on what is missing at `path`: unknown where a layer could have it."""
    if not state.absent_layers or not f"{path}/".startswith(f"{OPT}/"):
        return missing
    return replace(missing, severity=Severity.UNKNOWN, hint=_HINT)
