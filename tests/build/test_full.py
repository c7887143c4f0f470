"""The full launcher's recipe: the same bytes each time, from the cache at once, clear errors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import shim.launcher
from full import Tools, build_full, find_tools
from lean import ROOT, BuildError
from shim.arch import Arch
from tests.requirements import require

NATIVE = Arch.from_machine(os.uname().machine) or Arch.X86_64
INSTALLED = Path(shim.launcher.__file__).parent / "bin" / f"full-{NATIVE}"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shim" / "build"


@pytest.fixture(scope="session")
def tools() -> Tools:
    """What compiles for this machine."""
    try:
        return find_tools(str(NATIVE))
    except BuildError as error:
        require(False, str(error))  # noqa: FBT003 - reads as a claim
        raise


def test_two_builds_give_the_same_bytes(tools: Tools, tmp_path: Path) -> None:
    assert tools.library.exists()
    require(INSTALLED.exists(), f"no full launcher is built for {NATIVE}")
    # A cache of its own, but for the environment with Nuitka: no object is taken from before.
    for folder in CACHE.glob("nuitka-*"):
        (tmp_path / folder.name).symlink_to(folder)
    path = build_full(str(NATIVE), tmp_path / "out", cache=tmp_path)
    assert path.read_bytes() == INSTALLED.read_bytes()


def test_what_was_built_comes_from_the_cache(tools: Tools, tmp_path: Path) -> None:
    assert tools.library.exists()
    words = [sys.executable, str(ROOT / "build" / "launchers.py"), "--flavour", "full"]
    words += ["--arch", str(NATIVE), "--output", str(tmp_path)]
    subprocess.run(words, check=True, capture_output=True)
    before = time.monotonic()
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert time.monotonic() - before < 60
    path = tmp_path / f"full-{NATIVE}"
    assert done.stdout == f"{path}: {path.stat().st_size} bytes\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_without_a_compiler_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"apt-get install python3\.11"):
        find_tools(str(NATIVE))


def test_an_unknown_flavour_is_bad_usage() -> None:
    words = [sys.executable, str(ROOT / "build" / "launchers.py"), "--flavour", "thin"]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 2
