"""A release of this tree, made once for all that the tests look at in it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import shim.launcher
from shim.arch import Arch
from tests.install.conftest import copy_tree
from tests.requirements import require
from tests.shared import alone

VERSION = "7.8.9"
BUILT = Path(shim.launcher.__file__).parent / "bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class Released:
    """What a dry run left: its files, the clone that it was made in, and what it said."""

    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / "dist"

    @property
    def clone(self) -> Path:
        return self.folder / "tree"

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    def wheel(self, name: str) -> Path:
        return self.files / f"{name}-{VERSION}-py3-none-any.whl"


@pytest.fixture(scope="session")
def released(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A dry run, with the launchers that were built on this machine; made anew for another tree."""
    require(sys.version_info[:2] == (3, 11), "a release is made with Python 3.11")
    launchers = [BUILT / f"full-{arch}" for arch in Arch]
    built = all(path.exists() for path in launchers)
    require(built, "the full launchers are not built: `build/launchers.py --flavour full`")
    folder = tmp_path_factory.mktemp("release")
    tree = copy_tree(folder / "tree")
    assert request.config.cache is not None
    kept = request.config.cache.mkdir("release") / _digest([*tree.rglob("*"), *launchers])
    with alone(f"release-{kept.name}"):
        if not kept.exists():
            commit_all(tree)
            done = make_release(tree, VERSION, "--dry-run", f"--output={folder / 'dist'}")
            (folder / "said.txt").write_text(done.stderr)
            assert done.returncode == 0, done.stderr
            shutil.move(folder, kept)
    return Released(folder=kept)


def make_release(
    tree: Path, *words: str, launchers: Path = BUILT
) -> subprocess.CompletedProcess[str]:
    """The recipe behind `scripts/release`, with what is installed here."""
    command = [sys.executable, str(tree / "build" / "make_release.py"), *words]
    command += [f"--launchers={launchers}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def commit_all(tree: Path) -> None:
    """A repository of the tree, of a person of its own."""
    settings = ["-c", "core.hooksPath=/dev/null"]
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["config", "user.name", "Ada"],
        ["config", "user.email", "ada@example.org"],
        ["config", "core.hooksPath", "/dev/null"],
        ["add", "--all"],
        [*settings, "commit", "--quiet", "--message=All"],
    ):
        subprocess.run(["git", *words], cwd=tree, check=True)


def _digest(paths: list[Path]) -> str:
    parts = [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths) if path.is_file()
    ]
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
