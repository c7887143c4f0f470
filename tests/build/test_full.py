"""The full launcher's recipe: the same bytes each time, from the cache at once, clear errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import shim.launcher
from full import Tools, build_full, filled, find_tools
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
    before = {kept: kept.stat().st_ino for kept in CACHE.glob("launchers/*/*")}
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert before
    assert {kept: kept.stat().st_ino for kept in CACHE.glob("launchers/*/*")} == before
    path = tmp_path / f"full-{NATIVE}"
    assert done.stdout == f"{path}: {path.stat().st_size} bytes\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_of_two_that_fill_the_same_folder_both_get_it(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "tools"

    def quicker(work: Path) -> None:
        (work / "tool").write_text("quicker")

    def slower(work: Path) -> None:
        filled(folder, quicker)
        (work / "tool").write_text("slower")

    assert filled(folder, slower) == folder
    assert (folder / "tool").read_text() == "quicker"
    assert list(folder.parent.iterdir()) == [folder]


def test_what_was_not_filled_to_its_end_is_not_there(tmp_path: Path) -> None:
    def fails(work: Path) -> None:
        (work / "tool").write_text("half")
        raise BuildError("no network")

    with pytest.raises(BuildError, match="no network"):
        filled(tmp_path / "tools", fails)
    assert list(tmp_path.iterdir()) == []


def test_without_a_compiler_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"apt-get install python3\.11"):
        find_tools(str(NATIVE))


def test_an_unknown_flavour_is_bad_usage() -> None:
    words = [sys.executable, str(ROOT / "build" / "launchers.py"), "--flavour", "thin"]
    assert subprocess.run(words, check=False, capture_output=True).returncode == 2
