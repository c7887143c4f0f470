"""What the tests of migrations share: the packages of examples/migrations, and the emulator."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import shim
from tests.deploy.conftest import world
from tests.emulate.conftest import cache, emulator, functions
from tests.requirements import require_zig
from tests.simulate.scenarios import EXAMPLES

__all__ = ["cache", "emulator", "functions", "world"]


@pytest.fixture(scope="session")
def built(go: str, lean_launchers: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What examples/migrations/build.py makes."""
    del lean_launchers
    require_zig()
    out = tmp_path_factory.mktemp("migrations")
    environment = os.environ | {"GO": go, "PYTHONPATH": str(Path(shim.__path__[0]).parent)}
    # As in a clone, whose `shim` is not the installed one.
    environment.pop("PYTHONSAFEPATH", None)
    clone = tmp_path_factory.mktemp("clone")
    (clone / "shim").mkdir()
    (clone / "shim" / "__init__.py").touch()
    done = subprocess.run(
        [sys.executable, EXAMPLES / "build.py", out],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out
