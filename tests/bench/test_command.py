"""`shim bench` as it is typed: small runs of the real thing, interruptions, wrong usage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.bench import pagecache
from shim.bench.machine import own_arch
from shim.bench.record import FORMAT, save
from shim.cli.main import main
from tests.bench import fakes
from tests.command import run_shim
from tests.requirements import require
from tests.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path

QUICK = ("--only", "exec-dash,python", "--rounds", "3", "--warmup", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the candidates are put; empty again after every run."""
    path = tmp_path / "candidates"
    path.mkdir()
    return path


def _bench(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return run_shim("bench", *words)


def _json(*words: str | Path) -> Any:
    done = _bench("--json", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_a_small_run_prints_a_table_and_saves_every_sample(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    done = _bench(*QUICK, "--folder", folder, "--output", output)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("name ")
    for name in ("nothing", "assembly", "exec-dash", "python"):
        assert f"\n{name} " in done.stdout
    saved = json.loads(output.read_text())
    assert {len(one["samples"]["launchNs"]) for one in saved["candidates"]} == {3}
    assert list(folder.iterdir()) == []


def test_json_is_the_record_and_what_follows_from_it(folder: Path) -> None:
    data = _json(*QUICK, "--seed", "5", "--folder", folder)
    assert data["format"] == FORMAT
    assert data["conditions"]["seed"] == 5
    assert data["machine"]["architecture"] == own_arch()
    assert [row["name"] for row in data["summary"]][-1] == "python"


def test_every_candidate_is_measured_or_says_why_not(folder: Path) -> None:
    data = _json("--rounds", "2", "--warmup", "0", "--folder", folder)
    measured = {one["name"] for one in data["candidates"]}
    missing = {one["name"] for one in data["notMeasured"]}
    assert {"nothing", "assembly", "python"} <= measured
    assert not measured & missing
    assert len(measured | missing) == 16


def test_a_saved_record_gives_the_same_table_again(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    measured = _bench(*QUICK, "--folder", folder, "--output", output)
    again = _bench("--record", output)
    assert again.stdout == measured.stdout


@pytest.mark.parametrize(("suffix", "magic"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_a_record_is_drawn(tmp_path: Path, suffix: str, magic: bytes) -> None:
    require(find_spec("matplotlib") is not None, "matplotlib is not installed")
    output, plot = tmp_path / "bench.json", tmp_path / f"bench.{suffix}"
    save(fakes.record({"nothing": [1, 2], "assembly": [2, 3], "lean": [2, 3]}), output)
    done = _bench("--record", output, "--plot", plot)
    assert (done.returncode, done.stderr) == (0, "")
    assert plot.read_bytes().startswith(magic)


@pytest.mark.usefixtures("page_cache")
def test_a_cold_run_reads_from_the_disk_and_puts_the_read_ahead_back(folder: Path) -> None:
    setting = pagecache.read_ahead_file(folder)
    require(setting is not None, "the temporary folder is on no disk")
    assert setting is not None
    require(os.access(setting, os.W_OK), "only root sets the read-ahead")
    before = setting.read_text()
    data = _json(*QUICK, "--folder", folder, "--cold", "--read-ahead", "256")
    assert data["conditions"]["readAheadKb"] == 256
    assert data["conditions"]["pageCache"] == "drop_caches"
    assert min(data["candidates"][0]["samples"]["blocksRead"]) > 0
    assert setting.read_text() == before


def test_a_cold_run_in_memory_is_refused() -> None:
    require(os.path.ismount("/dev/shm"), "no folder in memory on this machine")
    done = _bench(*QUICK, "--cold", "--folder", "/dev/shm")
    assert done.returncode == 3
    assert "no cold start where nothing comes from a disk: /dev/shm" in done.stderr


def test_a_throttled_run_says_so(folder: Path) -> None:
    require(os.geteuid() == 0, "only root makes control groups")
    done = _bench(*QUICK, "--folder", folder, "--memory", "128")
    assert done.returncode == 0, done.stderr
    assert "128 MB: 1.45 ms of CPU in each 20 ms" in done.stdout


def test_ctrl_c_keeps_what_was_measured_and_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    with _endless(folder, output) as bench:
        wait_until(output.exists, seconds=60)
        bench.send_signal(signal.SIGINT)
        stdout, stderr = bench.communicate(timeout=30)
    assert (bench.returncode, stderr) == (130, "")
    assert "\ninterrupted after " in stdout
    rounds = len(json.loads(output.read_text())["candidates"][0]["samples"]["launchNs"])
    assert f"interrupted after {rounds} of 1000000 rounds" in stdout
    assert list(folder.iterdir()) == []


def test_a_killed_run_leaves_the_saved_record_and_nothing_else(
    folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bench.json"
    with _endless(folder, output) as bench:
        wait_until(output.exists, seconds=60)
        bench.kill()
    wait_until(lambda: list(folder.iterdir()) == [], seconds=10)
    assert len(json.loads(output.read_text())["candidates"]) == 2


def _endless(folder: Path, output: Path) -> subprocess.Popen[str]:
    words = ("--only", "nothing", "--rounds", "1000000", "--folder", folder, "--output", output)
    return subprocess.Popen(
        [sys.executable, "-m", "shim", "bench", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


FOREIGN = next(arch for arch in Arch if arch is not own_arch())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--arch", FOREIGN], "times under emulation say nothing"),
        (["--only", "lean,nonsense"], "no such candidate: nonsense"),
        (["--rounds", "0"], "not a whole number from 1 to"),
        (["--memory", "64"], "not a whole number from 128 to"),
        (["--cpu", "100000"], "shim may not run on this CPU"),
        (["--read-ahead", "128"], "changes nothing without --cold"),
        (["--plot", "bench.pdf"], "ends in .svg or .png"),
        (["--plot", "/nonexistent/bench.svg"], "can't write there"),
        (["--output", "/nonexistent/bench.json"], "can't write there"),
        (["--folder", "/nonexistent"], "no folder can be made for the candidates"),
        (["--record", "/nonexistent"], "/nonexistent: can't read it"),
        (["--record", "/nonexistent", "--cold"], "--record measures nothing"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_measured(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "--plot" in words:
        require(find_spec("matplotlib") is not None, "matplotlib is not installed")
    assert main(["bench", *words]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""
