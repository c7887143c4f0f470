"""The tools by which the example projects are deployed, each installed once from its lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.examples.conftest import EXAMPLES
from tests.kept import kept
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Mapping

_PYTHON, _NODE = "requirements.txt", "package-lock.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """Where what one project's locks name is installed."""

    python: Path | None = None
    node: Path | None = None
    home: Path = Path()
    """What the tools keep of their own."""

    def environment(self) -> Mapping[str, str]:
        """With all of it to be found, and nobody told that it is used."""
        found = [self.python and self.python / "bin", self.node and self.node / "node_modules/.bin"]
        folders = [Path(sys.executable).parent, *filter(None, found)]
        return {
            **os.environ,
            "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
            "PYTHONPATH": str(self.python or ""),
            "HOME": str(self.home),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_NOTICES": "false",
            # Its linter takes more time than all the rest, and changes nothing of what it leaves.
            "CDK_VALIDATION": "false",
            "SAM_CLI_TELEMETRY": "0",
            "SLS_NOTIFICATIONS_MODE": "off",
            "SLS_TELEMETRY_DISABLED": "1",
        }


NO_TOOLS = Tools()


def install(project: str, cache: Path) -> Tools:
    """What the project's locks name, kept in `cache`."""
    python, node = EXAMPLES / project / _PYTHON, EXAMPLES / project / _NODE
    if node.exists():
        require(shutil.which("npm") is not None, "npm is not there")
    home = cache / "home"
    home.mkdir(exist_ok=True)
    return Tools(
        python=_installed(cache, python, *_PIP, python) if python.exists() else None,
        node=_installed(cache, node, *_NPM) if node.exists() else None,
        home=home,
    )


def _installed(cache: Path, lock: Path, *command: str | Path) -> Path:
    key = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:24]

    def make(path: Path) -> None:
        path.mkdir()
        for file in lock.parent.glob("package*.json"):
            shutil.copy(file, path)
        subprocess.run(command, cwd=path, check=True)

    return kept(cache / key, make)


# Uncompiled: of these packages' modules nearly none is imported.
_PIP = (
    *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"),
    *("--no-warn-conflicts", "--target", ".", "--require-hashes", "--requirement"),
)
_NPM = ("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")
