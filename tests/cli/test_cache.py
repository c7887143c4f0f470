"""`shim cache`: its size, and that nobody loses what is in use."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shim.cli.main import main
from tests.cli.test_json import check_convention
from tests.command import TREE

if TYPE_CHECKING:
    from pathlib import Path

HOLD = "from shim.cli.cache import used_cache; used_cache(); print('held', flush=True); input()"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with three files of shim's in it, and one of somebody else."""
    folder = tmp_path / "cache"
    for name, size in (("rie/1/program", 2000), ("functions/a.zip", 500), ("functions/b.zip", 700)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(size))
    (folder / "notes.txt").touch()
    monkeypatch.setenv("SHIM_CACHE", str(folder))
    return folder


def test_it_says_what_lies_there(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith(f"{cache}: 3.")
    assert [line.split("  ")[-1] for line in shown[1:]] == [
        "AWS's emulator",
        "packages and layers from accounts",
    ]
    assert main(["cache", "--json"]) == 0
    found = check_convention(capsys.readouterr().out)
    assert [(one["files"], one["size"]) for one in found["contents"]] == [(1, 2000), (2, 1200)]


def test_it_is_cleared_of_what_is_shims(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["cache", "--clear"]) == 0
        assert " removed\n" in capsys.readouterr().out
    assert {path.name for path in cache.iterdir()} == {".lock", "notes.txt"}


def test_a_cache_that_is_not_there_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "none"))
    assert main(["cache", "--clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["contents"][0]["files"] == 0
    assert not list(tmp_path.iterdir())


def test_nothing_goes_while_another_command_uses_it(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=TREE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        assert main(["cache", "--clear"]) == 3
        assert "error: another command of shim's uses it now: " in capsys.readouterr().err
        assert (cache / "rie/1/program").exists()
        other.communicate("\n")
    assert main(["cache", "--clear"]) == 0


def test_what_a_link_leads_to_stays(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cache / "rie").rename(tmp_path / "elsewhere")
    (cache / "rie").symlink_to(tmp_path / "elsewhere")
    assert main(["cache", "--clear"]) == 3
    assert f"error: a link is not removed, nor what is behind it: `{cache}/rie`" in (
        capsys.readouterr().err
    )
    assert (tmp_path / "elsewhere/1/program").exists()
