"""Calls are held to the account's rates, whoever sends them."""

from __future__ import annotations

import pytest

from shim.aws.pace import FALL, Pace


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("calls", "share", "seconds"),
    [
        (["GetFunction"], 1.0, 10.0),
        (["GetPolicy"], 1.0, 1000 / 15),
        (["UpdateFunctionCode"], 1.0, 1000 / 15),
        (["UpdateFunctionCode", "PublishVersion"], 1.0, 1000 / 15),
        (["GetFunction"], 0.5, 20.0),
        # Each of these has a rate of its own, and half of the calls.
        (["GetPolicy", "ListAliases"], 1.0, 500 / 15),
    ],
)
def test_a_thousand_calls_take_what_the_rates_say(
    calls: list[str], share: float, seconds: float
) -> None:
    time = Time()
    pace = Pace(share=share, clock=lambda: time.now, sleep=time.sleep)
    for number in range(1000):
        pace.wait(calls[number % len(calls)])
    assert time.now == pytest.approx(seconds, rel=0.01)


def test_what_was_not_used_is_not_made_up_for() -> None:
    time = Time()
    pace = Pace(clock=lambda: time.now, sleep=time.sleep)
    time.now = 100.0
    for _ in range(15):
        pace.wait("ListFunctions")
    assert time.now == pytest.approx(100 + 14 / 15)


def rate(pace: Pace, time: Time) -> float:
    """Calls a second, of the next three but the one whose turn is given already."""
    pace.wait("UpdateAlias")
    begin = time.now
    for _ in range(3):
        pace.wait("UpdateAlias")
    return 3 / (time.now - begin)


def test_who_is_throttled_gives_way_once_a_second_and_comes_back() -> None:
    time = Time()
    pace = Pace(clock=lambda: time.now, sleep=time.sleep)
    pace.wait("UpdateAlias")
    for _ in range(50):
        pace.give_way("UpdateAlias")
    assert rate(pace, time) == pytest.approx(15 * FALL, rel=0.02)
    for _ in range(100):
        time.now += 1
        pace.give_way("UpdateAlias")
    assert rate(pace, time) >= 1.5, "a tenth is always taken"
    time.now += 60
    pace.wait("UpdateAlias")
    assert rate(pace, time) == pytest.approx(15, rel=0.01)


def test_invocations_are_none_of_the_control_planes() -> None:
    time = Time()
    pace = Pace(clock=lambda: time.now, sleep=time.sleep)
    for _ in range(1000):
        pace.wait("Invoke")
        pace.give_way("Invoke")
    assert time.now == 0
