"""The hooks as pre-commit installs and runs them, from a clone of this repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.templates.test_cli_diff import NEW, OLD, git

pytestmark = pytest.mark.usefixtures("pins")


def test_a_commit_of_a_dangerous_change_is_stopped(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree)
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "shim")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    git("init", "-q")
    hook = {"repo": tree.as_uri(), "rev": "HEAD", "hooks": [{"id": "shim-diff"}]}
    Path(".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [hook]}))
    Path("template.yaml").write_text(OLD)
    git("add", ".")
    git("commit", "-q", "-m", "old")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    assert "Skipped" in _run(status=0)
    Path("template.yaml").write_text(NEW)
    git("add", ".")
    assert "[two-calls-runtime]" in _run(status=1)
    Path("template.yaml").write_text(f"# A comment\n{OLD}")
    git("add", ".")
    assert "shim diff...." in _run(status=0)


def _run(*, status: int) -> str:
    """What `git commit` would have it print."""
    command = [sys.executable, "-m", "pre_commit", "run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout
