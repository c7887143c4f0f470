"""The command `shim` as a person calls it, and whether this machine runs an architecture."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from shim.emulate.standin import can_run
from tests.requirements import require

if TYPE_CHECKING:
    from pathlib import Path

    from shim.arch import Arch


def shim(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one `shim` command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "shim", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def packed(source: Path, package: Path, *words: str) -> Path:
    """The package that `shim pack` makes of the folder `source`."""
    done = shim("pack", source, "-o", package, *words)
    assert done.returncode == 0, done.stderr
    return package


def require_runs(arch: Arch) -> None:
    """Skip where no programs of `arch` run, by themselves or by qemu."""
    require(can_run(arch), f"{arch} programs don't run here: install qemu-user-static")
