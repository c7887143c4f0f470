"""Puts things back when the bench ends, however it ends: a second process that outlives it.

Run as a program it reads what to undo from standard input until that is closed: by the bench at
its end, or by the kernel where the bench was killed. It imports nothing of shim, so that
`python -IS` can run the file.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Self, TextIO

_PATIENCE = 5.0
"""Seconds for the last process of a control group to end."""


class Undo:
    """What to undo at the end of a `with` block, last first."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-IS", __file__],
            stdin=subprocess.PIPE,
            cwd="/",
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is for the bench
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def remove_folder(self, path: Path) -> None:
        """Remove `path` with all that is in it."""
        self._add("remove_folder", path, "")

    def remove_group(self, path: Path) -> None:
        """Remove the control group `path` once its last process has ended."""
        self._add("remove_group", path, "")

    def write_back(self, path: Path) -> None:
        """Give the file `path` the content that it has now."""
        self._add("write_back", path, path.read_text())

    def _add(self, action: str, path: Path, content: str) -> None:
        if self._process.stdin is None:
            return
        self._process.stdin.write(json.dumps([action, str(path), content]) + "\n")
        self._process.stdin.flush()


def carry_out(source: TextIO) -> None:
    """Read actions until `source` ends, then do them, last first; one that fails stops no other."""
    whole_lines = [line for line in source if line.endswith("\n")]
    for line in reversed(whole_lines):
        action, path, content = json.loads(line)
        try:
            _UNDOINGS[action](Path(path), content)
        except OSError as error:
            sys.stderr.write(f"warning: could not undo everything: {error}\n")


def _remove_folder(path: Path, _content: str) -> None:
    shutil.rmtree(path)


def _remove_group(path: Path, _content: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while path.exists():
        try:
            path.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _write_back(path: Path, content: str) -> None:
    if path.read_text() != content:  # who could not change it can't change it back either
        path.write_text(content)


_UNDOINGS = {
    "remove_folder": _remove_folder,
    "remove_group": _remove_group,
    "write_back": _write_back,
}


if __name__ == "__main__":
    carry_out(sys.stdin)
