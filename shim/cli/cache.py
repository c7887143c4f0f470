"""Where what was downloaded is kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$SHIM_CACHE`, else `shim` in `$XDG_CACHE_HOME` or `~/.cache`."""
    if folder := os.environ.get("SHIM_CACHE"):
        return Path(folder).absolute()
    return Path(
        os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "shim"
    ).absolute()
