"""Many deployments at a time: one that fails stops no other, and whoever asks ends them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from shim.deploy.deployment import Done
from shim.deploy.folder import PLAN, DeploymentFolder
from shim.deploy.many import Ending, Interrupted, Outcome, Stop, run_all
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> list[DeploymentFolder]:
    for number in range(20):
        path = tmp_path / f"{number:02}"
        path.mkdir()
        (path / PLAN).touch()
    return [DeploymentFolder(path) for path in sorted(tmp_path.iterdir())]


def run(
    folders: list[DeploymentFolder],
    carry_out: Callable[[DeploymentFolder], Done],
    *,
    stop: Stop | None = None,
    workers: int = 4,
    most_failures: int | None = None,
) -> dict[str, Ending]:
    outcomes: list[Outcome] = []
    run_all(
        folders,
        carry_out,
        stop=stop or Stop(),
        ended=outcomes.append,
        workers=workers,
        most_failures=most_failures,
    )
    assert len(outcomes) == len(folders)
    return {one.folder.path.name: one.ending for one in outcomes}


def number(folder: DeploymentFolder) -> int:
    return int(folder.path.name)


def test_each_has_its_ending(folders: list[DeploymentFolder]) -> None:
    def carry_out(folder: DeploymentFolder) -> Done:
        if number(folder) % 3 == 0:
            raise InputError("no", hint="yes")
        return Done(calls=number(folder) % 2, notes=())

    found = run(folders, carry_out)
    for name, ending in found.items():
        usual = Ending.CHANGED if int(name) % 2 else Ending.UNCHANGED
        assert ending is (Ending.FAILED if int(name) % 3 == 0 else usual)


def test_no_more_than_asked_for_run_at_a_time(folders: list[DeploymentFolder]) -> None:
    running, most, lock = 0, 0, threading.Lock()
    four = threading.Barrier(4, timeout=60)

    def carry_out(_: DeploymentFolder) -> Done:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        four.wait()
        with lock:
            running -= 1
        return Done(calls=1, notes=())

    assert set(run(folders, carry_out).values()) == {Ending.CHANGED}
    assert most == 4


def test_after_so_many_failures_no_other_is_begun(folders: list[DeploymentFolder]) -> None:
    def carry_out(folder: DeploymentFolder) -> Done:
        raise InputError(f"no: {folder.path.name}")

    found = run(folders, carry_out, workers=1, most_failures=3)
    assert list(found.values()) == [Ending.FAILED] * 3 + [Ending.NOT_BEGUN] * 17
    assert list(found) == [folder.path.name for folder in folders], "in the order of their names"


def test_whoever_asks_ends_them_in_their_sleep_and_begins_no_other(
    folders: list[DeploymentFolder],
) -> None:
    stop, all_asleep = Stop(), threading.Barrier(4, timeout=60)

    def carry_out(_: DeploymentFolder) -> Done:
        if all_asleep.wait() == 0:
            stop.ask()
        stop.sleep(600)
        raise AssertionError("slept on")

    found = run(folders, carry_out, stop=stop)
    assert list(found.values()).count(Ending.INTERRUPTED) == 4
    assert list(found.values()).count(Ending.NOT_BEGUN) == 16
    with pytest.raises(Interrupted):
        stop.check()
