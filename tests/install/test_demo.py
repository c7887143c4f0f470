"""The README's first command, in what a fresh clone has."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.requirements import require

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_runs_to_its_end_and_leaves_nothing_out(tree: Path) -> None:
    environment = {**os.environ, "PYTHON": sys.executable}
    for name in ("PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV"):
        environment.pop(name, None)
    done = subprocess.run(
        ["scripts/demo"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    require("left out" not in done.stdout + done.stderr, f"the demo lacks something: {done.stderr}")
    for machine in ("amd64", "arm64"):
        assert f'{{"message":"Hello, Ada!","handler":"hello","goarch":"{machine}"}}' in done.stdout
    assert "the plan: 3 calls, every invocation was answered" in done.stdout
    assert (tree / ".venv/bin/shim").exists()
