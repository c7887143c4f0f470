"""What the tests of installations share: the project as a fresh clone has it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the project's tracked files."""
    return copy_tree(tmp_path / "tree")


def copy_tree(folder: Path) -> Path:
    """The project's tracked files, in a folder of their own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0")[:-1]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip wheel` makes of this tree, by the build tools that are here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip fetches what a test wants, as for anybody, in the versions that are tested."""
    listed = (ROOT / "requirements" / "test.txt").read_text()
    versions = re.findall(r"^([a-z].*?) \\$", listed, flags=re.MULTILINE)
    assert any(version.startswith("hatchling==") for version in versions)
    pins = tmp_path / "pins.txt"
    pins.write_text("\n".join(versions))
    monkeypatch.setenv("PIP_CONSTRAINT", str(pins))
    monkeypatch.setenv("PIP_BUILD_CONSTRAINT", str(pins))
