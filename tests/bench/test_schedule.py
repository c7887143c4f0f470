"""Turns and rounds, with a runner that starts nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.bench import session
from shim.bench.schedule import Plan, measured_rounds
from shim.bench.session import Settings
from shim.errors import MachineError
from tests.bench import fakes

if TYPE_CHECKING:
    from shim.bench.record import Record

CANDIDATES = [fakes.candidate(name) for name in ("nothing", "assembly", "lean", "python")]


def test_every_round_starts_every_candidate_once_in_another_order() -> None:
    runner = fakes.FakeRunner(lambda _: 1)
    rounds = list(measured_rounds(runner, CANDIDATES, Plan(rounds=20, warmup=0, seed=1)))
    turns = [tuple(runner.started[start : start + 4]) for start in range(0, 80, 4)]
    assert len(rounds) == 20
    assert {tuple(sorted(turn)) for turn in turns} == {("assembly", "lean", "nothing", "python")}
    assert len(set(turns)) > 10


def test_a_seed_gives_the_same_orders_again() -> None:
    orders = []
    for seed in (5, 5, 6):
        runner = fakes.FakeRunner(lambda _: 1)
        list(measured_rounds(runner, CANDIDATES, Plan(rounds=10, warmup=2, seed=seed)))
        orders.append(runner.started)
    assert orders[0] == orders[1] != orders[2]


def test_warm_up_rounds_run_and_are_not_counted() -> None:
    count = iter(range(1, 1_000))
    runner = fakes.FakeRunner(lambda _: next(count))
    rounds = list(measured_rounds(runner, CANDIDATES, Plan(rounds=2, warmup=3, seed=1)))
    assert len(runner.started) == 5 * 4
    assert len(rounds) == 2
    assert min(one.launch_ns for one in rounds[0].values()) == 13_000


def test_an_interruption_keeps_the_completed_rounds(tmp_path: Path) -> None:
    runner = _interrupted_in_round(4)
    found = _measure(runner, rounds=100, output=tmp_path / "bench.json")
    assert found.rounds == 3
    assert not found.is_complete
    assert _saved_rounds(tmp_path / "bench.json") == 3


def test_an_interruption_before_the_first_round_is_one() -> None:
    with pytest.raises(KeyboardInterrupt):
        _measure(_interrupted_in_round(1), rounds=100, output=None)


def test_the_record_is_saved_after_each_block(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    saved: list[int] = []

    def fail_late(_: str) -> float:
        if len(runner.started) > 120 * len(CANDIDATES):
            saved.append(_saved_rounds(output))
            raise MachineError("the candidate did not start the handler")
        return 1

    runner = fakes.FakeRunner(fail_late)
    with pytest.raises(MachineError):
        _measure(runner, rounds=500, output=output)
    assert saved == [110]


def test_a_record_that_can_not_be_written_is_an_error_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    with pytest.raises(MachineError, match="can't be written"):
        _measure(fakes.FakeRunner(lambda _: 1), rounds=2, output=folder / "bench.json")


def _interrupted_in_round(number: int) -> fakes.FakeRunner:
    def launch(_: str) -> float:
        if len(runner.started) > number * len(CANDIDATES) - 2:
            raise KeyboardInterrupt
        return 1

    runner = fakes.FakeRunner(launch)
    return runner


def _measure(runner: fakes.FakeRunner, *, rounds: int, output: Path | None) -> Record:
    settings = Settings(
        plan=Plan(rounds=rounds, warmup=0, seed=1),
        names=(),
        with_slow=False,
        cpu=None,
        memory=None,
        cold=False,
        read_ahead=None,
        folder=Path("/nowhere"),
        output=output,
    )
    blank = fakes.record({}, rounds=rounds)
    return session._measure(runner, CANDIDATES, settings, record=blank, tell=lambda _: None)


def _saved_rounds(path: Path) -> int:
    return len(json.loads(path.read_text())["candidates"][0]["samples"]["launchNs"])
