"""Files that tests make once and keep, also while several runs of them want the same one."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def kept(path: Path, make: Callable[[Path], object]) -> Path:
    """`path`, made if it isn't there: whoever makes it at the same time never sees a part of it.

    `make` writes the file that it is given, in an empty folder of its own.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kept-", dir=path.parent) as folder:
            part = Path(folder) / path.name
            make(part)
            part.replace(path)
    return path


def compiled(folder: Path, source: str, *options: str) -> Path:
    """What `zig cc` makes of C, in `folder` by the hash of source and options."""
    key = hashlib.sha256("\0".join([source, *options]).encode()).hexdigest()[:24]

    def make(path: Path) -> None:
        code = path.with_suffix(".c")
        code.write_text(source)
        command = [sys.executable, "-m", "ziglang", "cc", *options]
        subprocess.run([*command, code, "-o", path], check=True)

    return kept(folder / key, make)
