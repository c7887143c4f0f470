"""The action's installation, as a runner of GitHub's does it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from shim import __version__
from tests.install.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("pins")


def test_the_action_installs_what_it_runs(wheel: Path, tmp_path: Path) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    [step] = [one for one in action["runs"]["steps"] if one["name"] == "Install shim"]
    assert step["env"] == {"ACTION": "${{ github.action_path }}"}
    # That pip makes a wheel of the folder is test_install's.
    variables = {"RUNNER_TEMP": str(tmp_path), "ACTION": str(wheel)}
    script = [step["shell"], "-e", "-o", "pipefail", "-c", step["run"]]
    subprocess.run(script, env={**os.environ, **variables}, check=True)
    programs = tmp_path / "shim/bin"
    done = subprocess.run(
        [programs / "shim", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"shim {__version__}\n"
    subprocess.run([programs / "python", "-c", "import samtranslator, yaml"], check=True)
