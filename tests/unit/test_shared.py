"""What several runs of the tests share: who is last ends it, and who is killed holds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import alone, shared
from tests.wait import wait_until

ROOT = Path(__file__).parents[2]
USER = """
import sys, time
from pathlib import Path
from tests import shared

folder = Path(sys.argv[1])
shared.LOCKS = folder

def say(word):
    with (folder / "said").open("a") as file:
        file.write(word + "\\n")

def start():
    say("start")
    while "hang" in sys.argv:
        time.sleep(1)

with shared.shared("thing", start=start, end=lambda: say("end")):
    say("in")
    sys.stdin.read()
"""


class User:
    """A process that uses what is shared until it is told to leave."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._said = folder / "said"
        self._process = subprocess.Popen(
            [sys.executable, "-c", USER, folder, *words],
            stdin=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT)},
        )

    def await_word(self, word: str, *, count: int = 1) -> None:
        wait_until(lambda: said(self._said.parent).count(word) >= count, seconds=60)

    def leave(self) -> None:
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=60)


def said(folder: Path) -> list[str]:
    path = folder / "said"
    return path.read_text().splitlines() if path.exists() else []


def test_the_last_to_leave_ends_it(tmp_path: Path) -> None:
    first = User(tmp_path)
    first.await_word("in")
    second = User(tmp_path)
    second.await_word("in", count=2)
    first.leave()
    assert said(tmp_path) == ["start", "in", "start", "in"]
    second.leave()
    assert said(tmp_path)[4:] == ["end"]


def test_of_one_who_was_killed_it_is_taken_over_and_ended(tmp_path: Path) -> None:
    owner = User(tmp_path)
    owner.await_word("in")
    other = User(tmp_path)
    other.await_word("in", count=2)
    owner.kill()
    third = User(tmp_path)
    third.await_word("in", count=3)
    other.leave()
    assert "end" not in said(tmp_path)
    third.leave()
    assert said(tmp_path)[-1] == "end"


def test_one_who_was_killed_while_it_started_keeps_nobody_out(tmp_path: Path) -> None:
    owner = User(tmp_path, "hang")
    owner.await_word("start")
    other = User(tmp_path)
    owner.kill()
    other.await_word("in")
    other.leave()
    assert said(tmp_path) == ["start", "start", "in", "end"]


def test_where_it_does_not_start_nobody_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.shared.LOCKS", tmp_path)
    ended: list[str] = []

    def fail() -> None:
        raise RuntimeError("no such thing")

    with pytest.raises(RuntimeError), shared("thing", start=fail, end=lambda: ended.append("fail")):
        pass
    assert ended == []
    with shared("thing", start=list, end=lambda: ended.append("end")):
        pass
    assert ended == ["end"]


def test_only_one_has_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.shared.LOCKS", tmp_path)
    with alone("thing"):
        waiting = User(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting._process.wait(0.5)
        assert said(tmp_path) == []
    waiting.await_word("in")
    waiting.leave()
