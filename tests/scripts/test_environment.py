"""`scripts/environment.sh`: which Python, and a `.venv` that works whatever was there before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.requirements import require

ENVIRONMENT = Path(__file__).parents[2] / "scripts" / "environment.sh"


def run_function(call: str, *, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call a function of the script by a plain `sh` in `folder`, as `demo` and `test` do."""
    return subprocess.run(
        ["/bin/sh", "-euc", f". {ENVIRONMENT}\n{call}"],
        cwd=folder,
        env={name: os.environ[name] for name in ("PATH", "HOME")} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def write_program(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_an_old_python3_is_passed_over(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    write_program(commands / "python3", "exit 1")
    (commands / "python3.12").symlink_to(sys.executable)
    chosen = run_function("choose_python", folder=tmp_path, PATH=str(commands))
    assert (chosen.returncode, chosen.stdout) == (0, "python3.12\n")


def test_a_python_that_only_uv_knows_is_found(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    write_program(commands / "uv", f"echo {sys.executable}")
    chosen = run_function("choose_python", folder=tmp_path, PATH=str(commands))
    assert (chosen.returncode, chosen.stdout) == (0, f"{sys.executable}\n")


def test_without_a_recent_python_one_sentence_says_so(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    write_program(commands / "python3", "exit 1")
    chosen = run_function("choose_python", folder=tmp_path, PATH=str(commands))
    assert (chosen.returncode, chosen.stdout) == (1, "")
    assert "error: no Python 3.11 or newer in PATH\nhint: " in chosen.stderr


def test_the_python_that_is_asked_for_must_be_recent(tmp_path: Path) -> None:
    write_program(tmp_path / "old", "exit 1")
    made = run_function("make_environment", folder=tmp_path, PYTHON=str(tmp_path / "old"))
    assert (made.returncode, made.stdout) == (1, "")
    assert "error: no Python 3.11 or newer: PYTHON=" in made.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_venv_left_half_made_is_made_anew_and_then_kept(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    first = run_function("make_environment", folder=tmp_path, PYTHON=sys.executable)
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stdout
    second = run_function("make_environment", folder=tmp_path, PYTHON=sys.executable)
    assert second.returncode == 0, second.stderr
    assert "making .venv" not in second.stdout


def test_what_sets_the_machine_up_waits_for_another_run_that_does(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "only root sets a machine up")
    turn = "one_at_a_time sh -c 'mkdir busy && sleep 0.2 && rmdir busy'"
    done = run_function(f"{turn} & {turn} & {turn} & wait %1; wait %2; wait %3", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_set_up_leaves_running_keeps_nobody_waiting(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "only root sets a machine up")
    daemon = "one_at_a_time sh -c 'sleep 600 >/dev/null 2>&1 & echo $!'"
    done = run_function(f"{daemon}; one_at_a_time echo next", folder=tmp_path)
    number, *words = done.stdout.split()
    os.kill(int(number), signal.SIGKILL)
    assert words == ["next"]


def test_what_fails_in_the_set_up_is_known(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "only root sets a machine up")
    assert run_function("one_at_a_time false", folder=tmp_path).returncode == 1
