"""What the bench changes is put back: at its end, and where it is killed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shim.bench import undo
from shim.bench.undo import Undo
from tests.wait import wait_until

_VICTIM = """
import sys, time
from pathlib import Path
from shim.bench.undo import Undo
folder, setting = map(Path, sys.argv[1:])
with Undo() as undo:
    undo.remove_folder(folder)
    undo.write_back(setting)
    setting.write_text("changed")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_folders_go_and_settings_come_back(tmp_path: Path) -> None:
    folder, setting = _folder_and_setting(tmp_path)
    with Undo() as restore:
        restore.remove_folder(folder)
        restore.write_back(setting)
        setting.write_text("changed")
    assert not folder.exists()
    assert setting.read_text() == "128\n"


def test_an_exception_changes_nothing_of_that(tmp_path: Path) -> None:
    folder, _ = _folder_and_setting(tmp_path)
    with contextlib.suppress(ZeroDivisionError), Undo() as restore:
        restore.remove_folder(folder)
        raise ZeroDivisionError
    assert not folder.exists()


@pytest.mark.parametrize("deadly", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_when_the_bench_is_killed(tmp_path: Path, deadly: signal.Signals) -> None:
    folder, setting = _folder_and_setting(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _VICTIM, folder, setting], stdout=subprocess.PIPE
    ) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        victim.send_signal(deadly)
    wait_until(lambda: not folder.exists() and setting.read_text() == "128\n", seconds=10)


def test_ctrl_c_in_the_terminal_does_not_reach_who_cleans_up(tmp_path: Path) -> None:
    folder, _ = _folder_and_setting(tmp_path)
    with Undo() as restore:
        restore.remove_folder(folder)
        assert os.getsid(restore._process.pid) != os.getsid(0)


def test_one_failure_stops_no_other_undoing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = _folder_and_setting(tmp_path)
    actions = [["remove_folder", str(folder), ""], ["write_back", str(tmp_path / "no" / "x"), "1"]]
    undo.carry_out(io.StringIO("".join(json.dumps(action) + "\n" for action in actions)))
    assert not folder.exists()
    assert "could not undo everything" in capsys.readouterr().err


def test_a_setting_that_never_changed_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    unwritable = "/proc/self/limits"
    action = ["write_back", unwritable, Path(unwritable).read_text()]
    undo.carry_out(io.StringIO(json.dumps(action) + "\n"))
    assert capsys.readouterr().err == ""


def test_an_action_that_was_cut_off_is_none(tmp_path: Path) -> None:
    folder, _ = _folder_and_setting(tmp_path)
    undo.carry_out(io.StringIO(json.dumps(["remove_folder", str(folder), ""])[:-5]))
    assert folder.exists()


def test_a_group_that_is_busy_is_removed_once_it_is_not(tmp_path: Path) -> None:
    group = tmp_path / "group"
    (group / "process").mkdir(parents=True)
    with Undo() as restore:
        restore.remove_group(group)
        restore._process.stdin.close()  # type: ignore[union-attr] # it has one
        (group / "process").rmdir()
    assert not group.exists()


def _folder_and_setting(tmp_path: Path) -> tuple[Path, Path]:
    folder, setting = tmp_path / "candidates", tmp_path / "read_ahead_kb"
    (folder / "lean").mkdir(parents=True)
    (folder / "lean" / "bootstrap").write_bytes(b"x")
    setting.write_text("128\n")
    return folder, setting
