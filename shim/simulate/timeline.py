"""Virtual time: what is due happens in its order, and nobody waits for it."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    """A clock, in seconds from 0, that moves only when somebody sleeps on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Call `action` so much later; of two at one time, the one that was asked for first."""
        heappush(self._due, (self.now + seconds, next(self._order), action))

    def sleep(self, seconds: float) -> None:
        """Let the time pass and everything happen that is due in it; not for an action to call."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, action = heappop(self._due)
            action()
        self.now = end

    def finish(self) -> None:
        """Let time pass until nothing is due any more."""
        while self._due:
            self.sleep(self._due[0][0] - self.now)
