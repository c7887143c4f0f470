"""How many calls a second an account may make in a region [docs/why/lambda.md]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shim.aws.pace import OTHERS, read_rates

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_LIMITED: Mapping[str, float] = {}
"""Rates where somebody else holds calls to them."""


class Clock(Protocol):
    """What says how late it is."""

    now: float


class Bucket:
    """Tokens, one a call: so many a second come back, and no more than that many lie there."""

    def __init__(self, rate: float, clock: Clock) -> None:
        self.rate = rate
        self.taken = 0
        self.refused = 0
        self._clock = clock
        self._tokens = rate
        self._then = clock.now

    def take(self) -> bool:
        """Whether a call may pass."""
        earned = (self._clock.now - self._then) * self.rate
        self._tokens, self._then = min(self.rate, self._tokens + earned), self._clock.now
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        self.taken += 1
        return True


class Budget:
    """An account's rates in one region: some calls have one of their own, all others share one."""

    def __init__(self, clock: Clock, rates: Mapping[str, float] | None = None) -> None:
        """`rates` are Lambda's where none are given."""
        limits = read_rates() if rates is None else rates
        self.buckets = {call: Bucket(rate, clock) for call, rate in limits.items()}

    def take(self, operation: str) -> bool:
        """Whether a call may pass; invocations are none of the control plane's."""
        bucket = self.buckets.get(operation) or self.buckets.get(OTHERS)
        return operation == "Invoke" or bucket is None or bucket.take()
