"""What the tests of examples make of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.command import run_shim

if TYPE_CHECKING:
    from pathlib import Path


def packed(source: Path, package: Path, *words: str) -> Path:
    """The package that `shim pack` makes of the folder `source`."""
    done = run_shim("pack", source, "-o", package, *words)
    assert done.returncode == 0, done.stderr
    return package
