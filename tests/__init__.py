"""Tests, and campaigns, which run as `python -m tests.…`: of the shim that is installed."""

from __future__ import annotations

import sys
from pathlib import Path

# That call puts this tree first, whose `shim` has no launchers where another is installed.
_TREE = Path(__file__).resolve().parents[1]
sys.path.sort(key=lambda entry: Path(entry).resolve() == _TREE)
