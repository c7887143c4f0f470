"""What the tests of the commands that write zips share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shim

if TYPE_CHECKING:
    from shim.arch import Arch


@pytest.fixture
def workspace(programs: dict[Arch, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder: `orders` for each architecture, a script and a text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(shim.__file__).parents[1]))
    for arch, program in programs.items():
        shutil.copyfile(program, f"orders_{arch}")
    Path("hook").write_text("#!/bin/sh\nexec /bin/echo hook\n")
    Path("text.txt").write_text("text\n")
