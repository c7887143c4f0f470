"""Time, as executors see it, and how long they try again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from shim.aws.api import LambdaError, NotNow, Throttled
from shim.deploy.events import Retrying
from shim.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from shim.deploy.events import Event

_Answer = TypeVar("_Answer")

FIRST_PAUSE, LONGEST_PAUSE, TRIES = 1.0, 20.0, 15
"""Seconds: what the pause after the first try is drawn from, doubled with each try; some two
minutes in all."""

ASKED_PAUSE = 60.0
"""The longest pause that the API is granted where it asks for one."""


class Stopped(LambdaError):
    """The function isn't where the plan has it, or can't be brought on."""

    exit_code = ExitCode.NO


class Clock(Protocol):
    """Time, as far as waiting asks for it: never that of the day, which jumps."""

    @property
    def now(self) -> float:
        """Seconds since some moment; it never goes back."""

    def sleep(self, seconds: float) -> None:
        """Return so much later."""


class MonotonicClock:
    """This machine's."""

    @property
    def now(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        time.sleep(seconds)


class Patience:
    """The pauses between the tries of one thing: at random, so that many don't come at once."""

    def __init__(
        self, what: str, *, clock: Clock, random: Random, tell: Callable[[Event], None]
    ) -> None:
        self._what, self._clock, self._random, self._tell = what, clock, random, tell
        self._tries = 0

    def answer(self, call: Callable[[], _Answer]) -> _Answer:
        """What `call` answers, tried again where it may be; for calls that do no harm twice."""
        while True:
            try:
                return call()
            except NotNow as error:
                self.pause(error.message, error)

    def pause(self, reason: str, error: LambdaError | None = None) -> None:
        """Wait before the next try; raises `Stopped` where there were enough."""
        self._tries += 1
        if self._tries >= TRIES:
            raise Stopped(
                f"given up after {TRIES} tries of {self._what}: {reason}",
                hint="the same command goes on from where the function is",
            ) from error
        bound = min(FIRST_PAUSE * 2 ** (self._tries - 1), LONGEST_PAUSE)
        seconds = self._random.uniform(0, bound)
        if isinstance(error, Throttled):
            seconds += min(error.retry_after, ASKED_PAUSE)
        self._tell(Retrying(text=self._what, seconds=seconds, reason=reason))
        self._clock.sleep(seconds)
