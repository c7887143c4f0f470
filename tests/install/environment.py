"""A virtual environment of a test's own, and the Pythons that one can be made with here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUPPORTED = range(11, 15)
"""Of Python 3."""


class Environment:
    """A fresh virtual environment, and what it takes to use it."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self._empty = folder / "no-programs"
        subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
        self._empty.mkdir()

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def add_packages(self, folder: Path) -> None:
        """Let it import what is in `folder` too, after its own: all but the shim there."""
        others = self.folder / "others"
        others.mkdir()
        for path in folder.iterdir():
            if not path.name.startswith(("shim", "lambda_shim", "_lambda_shim")):
                (others / path.name).symlink_to(path)
        (own,) = self.folder.glob("lib/python*/site-packages")
        (own / "zz.pth").write_text(f"{others}\n")

    def install(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """`pip install`, where no program can be found: neither compiler nor linker."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        return self.run(*pip, "install", *words)

    def run(self, *words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this environment, with these variables besides."""
        variables = {**os.environ, "PATH": str(self._empty), **variables}
        done = subprocess.run(
            words, env=variables, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def shim(self, *words: str | Path, **variables: str) -> str:
        """What the command prints on standard output."""
        return self.run(self.folder / "bin" / "shim", *words, **variables).stdout


def pythons() -> list[Path]:
    """Of each supported version one that is here, in PATH or beside this one; the oldest first."""
    folders = [Path(name) for name in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path(sys.base_prefix).parent.glob("*/bin"))
    found: dict[int, Path] = {}
    for path in (folder / f"python3.{minor}" for minor in SUPPORTED for folder in folders):
        if (minor := _minor(path)) in SUPPORTED:
            found.setdefault(minor, path)
    return [found[minor] for minor in sorted(found)]


def _minor(python: Path) -> int:
    """Which Python 3 it is, or 0: what is called so may be a stand-in that starts none."""
    if not os.access(python, os.X_OK):
        return 0
    code = "import sys, venv, ensurepip; print(sys.version_info.minor)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0
