"""The campaigns as they are documented, in a clone that was set up in either of the two ways."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from shim.arch import Arch
from tests.check.oracle.roots import require_roots
from tests.install.conftest import copy_tree
from tests.install.environment import Environment
from tests.simulate.conftest import built, cache, emulator

__all__ = ["built", "cache", "emulator"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clone:
    """The project's files, and the Python of the environment in which shim is installed."""

    tree: Path
    python: Path

    def run(self, *words: str | Path) -> str:
        """What Python prints, called in the clone as a person does it."""
        environment = dict(os.environ)
        for name in ("PYTHONPATH", "PYTHONSAFEPATH"):
            environment.pop(name, None)
        command = [self.python, *words]
        done = subprocess.run(
            command, cwd=self.tree, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=["regular", "editable"])
def clone(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Clone:
    """One as `scripts/test` leaves it, and one as CONTRIBUTING.md says to set it up."""
    folder = tmp_path_factory.mktemp("clone")
    tree = copy_tree(folder / "tree")
    environment = Environment(folder / "environment", Path(sys.executable))
    # What else is installed is this environment's.
    environment.add_packages(Path(sysconfig.get_path("purelib")))
    how = [wheel] if request.param == "regular" else ["--no-build-isolation", "--editable", tree]
    environment.install("--no-deps", *how)
    found = Clone(tree=tree, python=environment.python)
    code = "import tests, shim; print(shim.__file__)"
    home = tree if request.param == "editable" else environment.folder
    assert Path(found.run("-c", code).strip()).is_relative_to(home)
    return found


def test_of_the_planner(clone: Clone) -> None:
    assert "no difference" in clone.run("-m", "tests.plan.model.campaign", "1")


def test_of_hostile_input(clone: Clone) -> None:
    assert "0 problems" in clone.run("-m", "tests.check.hostile.campaign", "5", "--first", "7")


def test_of_programs_that_others_made(clone: Clone, tmp_path: Path) -> None:
    printed = clone.run("-m", "tests.check.world.campaign", tmp_path, "--only", "tini")
    assert "'debian x86_64': 2" in printed
    assert "0 differences" in printed


def test_of_sams_templates(clone: Clone) -> None:
    assert "0 differences" in clone.run("-m", "tests.templates.translator.campaign", "3")


def test_of_verdicts(clone: Clone) -> None:
    require_roots(Arch.X86_64)
    words = ("x86_64", "debian-bookworm", "3", "--first", "7")
    assert "0 disagreed" in clone.run("-m", "tests.check.oracle.campaign", *words)


def test_of_simulations(clone: Clone, emulator: Path, built: Path) -> None:
    require_roots(Arch.X86_64)
    few = ["--scenarios", "handler-renamed", "--seeds", "1"]
    few += ["--invocations", "600", "--rate", "2", "--naive-invocations", "5"]
    printed = clone.run("-m", "tests.simulate.campaign", emulator, built, *few)
    assert len(printed.splitlines()) >= 2


def test_of_deployments(clone: Clone) -> None:
    assert "0 wrong" in clone.run("-m", "tests.deploy.faults.campaign", "--every", "200")
