"""Holds calls to the rates that the account has, so that other deployments get on.

Each rate is shared by all threads and functions of one run, in one account and region.
"""

from __future__ import annotations

import threading
import time
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OTHERS = "others"
"""Who has no rate of its own shares this one."""

INVOCATIONS = {"Invoke"}
"""Calls that are none of the control plane's."""

FALL, RISE, LEAST = 0.9, 0.02, 0.1
"""Of its rate what is left where a call is throttled, what it gains in a second, and the least."""


@cache
def read_rates() -> Mapping[str, float]:
    """Calls a second, by the call's name in the API; `OTHERS` is for all that aren't named."""
    rates: dict[str, float] = tomllib.loads(Path(__file__).with_name("rates.toml").read_text())
    return rates


class Turns:
    """Turns at one rate: none is given before its time, and none is saved up.

    While others use the rate too, it falls where they are met, and rises again.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._most, self._rate, self._clock, self._sleep = rate, rate, clock, sleep
        self._queue, self._lock = threading.Lock(), threading.Lock()
        self._next = self._changed = clock()
        self._fell = self._next - 1

    def wait(self) -> None:
        """Return when it is one's turn."""
        # One at a time: what was promised ahead would still come at a rate that has fallen since.
        with self._queue:
            turn = max(self._next, self._clock())
            self._sleep(max(0.0, turn - self._clock()))
            with self._lock:
                self._rise(self._clock())
                # From the turn on, not from when it was taken: a late one makes the rest no later.
                self._next = turn + 1 / self._rate

    def give_way(self) -> None:
        """Be slower from now on; once a second, for the answers of one moment say one thing."""
        with self._lock:
            now = self._clock()
            if now - self._fell >= 1:
                self._rise(now)
                self._rate, self._fell = max(self._rate * FALL, self._most * LEAST), now

    def _rise(self, now: float) -> None:
        gained = (now - self._changed) * self._most * RISE
        self._rate, self._changed = min(self._most, self._rate + gained), now


class Pace:
    """The turns of every call of the control plane, in one account and region."""

    def __init__(
        self,
        *,
        share: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`share` is what of each rate is taken; the rest is left to others."""
        self._turns = {
            call: Turns(rate * share, clock=clock, sleep=sleep)
            for call, rate in read_rates().items()
        }

    def wait(self, call: str) -> None:
        """Return when `call`, by its name in the API, may be sent."""
        if call not in INVOCATIONS:
            self._of(call).wait()

    def give_way(self, call: str) -> None:
        """The API has throttled `call`: somebody else needs some of its rate."""
        if call not in INVOCATIONS:
            self._of(call).give_way()

    def _of(self, call: str) -> Turns:
        return self._turns[call if call in self._turns else OTHERS]
