"""The command `shim` as a person calls it, and whether this machine runs an architecture."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
