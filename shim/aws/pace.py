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


@cache
def read_rates() -> Mapping[str, float]:
    """Calls a second, by the call's name in the API; `OTHERS` is for all that aren't named."""
    rates: dict[str, float] = tomllib.loads(Path(__file__).with_name("rates.toml").read_text())
    return rates


class Turns:
    """Turns at one rate: none is given before its time, and none is saved up."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap, self._clock, self._sleep = 1 / rate, clock, sleep
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Return when it is one's turn."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)


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
        self._turns[call if call in self._turns else OTHERS].wait()
