"""What sandboxes start from: the machines hear of an update one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from shim.check.state import State
    from shim.simulate.timeline import Timeline


@dataclass(frozen=True, kw_only=True, slots=True)
class _Since:
    """What new sandboxes start from since a time."""

    time: float
    state: State


class Machines:
    """Of one function, version by version."""

    def __init__(self, clock: Timeline, random: Random, *, spread: float) -> None:
        self._clock, self._random, self._spread = clock, random, spread
        self._history: dict[str, list[_Since]] = {}

    def run(self, version: str, state: State) -> None:
        """From now on `version` is this; a version that is new was never anything else."""
        since = _Since(time=self._clock.now, state=state)
        self._history.setdefault(version, []).append(since)

    def newest_state(self, version: str) -> State:
        """What the version is, once every machine has heard of it."""
        return self._history[version][-1].state

    def state_for_new_sandbox(self, version: str) -> State:
        """What a sandbox that starts now starts from: one update after the other, never a mix.

        "Each update is processed serially and cached" (AWS, quoted in
        DataDog/datadog-cdk-constructs #110): for some seconds, `Timing.spread`, some of them have
        not heard of the newest.
        """
        heard = self._clock.now - self._random.uniform(0, self._spread)
        history = self._history[version]
        return next(
            (since.state for since in reversed(history) if since.time <= heard), history[0].state
        )
