"""`pip install` as people do it: a fresh environment, no compiler, and both launchers are there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import shim.launcher
from shim import __version__
from shim.arch import Arch
from tests.install.environment import Environment
from tests.requirements import require

INSTALLED = Path(shim.launcher.__file__).parent / "bin"
DEBIAN_PYTHON = Path("/usr/bin/python3")
INTERPRETERS = {"this interpreter": Path(sys.executable), "the system's": DEBIAN_PYTHON}


pytestmark = pytest.mark.usefixtures("pins")


def check(environment: Environment, folder: Path) -> None:
    """The command works, and writes the launchers that this test's own shim has."""
    assert environment.shim("--version") == f"shim {__version__}\n"
    for arch in Arch:
        written = folder / f"bootstrap-{arch}"
        environment.shim("launcher", "--arch", arch, "--output", written)
        assert written.read_bytes() == (INSTALLED / f"lean-{arch}").read_bytes()
        assert os.access(written, os.X_OK)


def sources(tree: Path) -> list[Path]:
    """Every file but the bytecode that Python keeps of whatever it imports."""
    return sorted(path for path in tree.rglob("*") if "__pycache__" not in path.parts)


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_pip_install_gives_both_launchers(tree: Path, tmp_path: Path, interpreter: str) -> None:
    python = INTERPRETERS[interpreter]
    require(python.exists(), f"{python} is not installed")
    environment = Environment(tmp_path / "environment", python)
    before = sources(tree)
    environment.install(str(tree))
    assert sources(tree) == before
    check(environment, tmp_path)


def test_an_editable_install_gives_both_launchers(tree: Path, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment", Path(sys.executable))
    environment.install("--editable", str(tree))
    check(environment, tmp_path)
    code = "import shim; print(shim.__file__)"
    shown = environment.run(environment.python, "-c", code).stdout
    assert Path(shown.strip()) == tree / "shim" / "__init__.py"


def test_the_source_distribution_can_be_installed(tree: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--sdist", "--outdir", str(tmp_path), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    environment = Environment(tmp_path / "environment", Path(sys.executable))
    environment.install(str(archive))
    check(environment, tmp_path)
