"""Traffic on a function, and the sandboxes that serve it.

Invocations go to idle sandboxes; where there is none, to a new one, which a `Starter` starts.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shim.aws.api import LATEST, Invoked

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from shim.check.state import State
    from shim.simulate.control import ControlPlane


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What an invocation gave its caller; `error_type` is None where it was answered."""

    error_type: str | None
    message: str = ""
    is_unknown: bool = False
    """Whether the caller got an answer can't be told; `message` says why."""


class Sandbox(Protocol):
    """One start of the function."""

    def invoke(self) -> Outcome:
        """One event; the first one comes right after the start."""

    def close(self) -> None:
        """End it."""


class Starter(Protocol):
    """Makes sandboxes."""

    def start(self, state: State) -> Sandbox:
        """A new one, started from `state`, whether that succeeds or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """Invocations of the function; times in seconds."""

    rate: float = 10.0
    """A second."""
    invocations: int = 1000
    is_regular: bool = False
    """Evenly spaced, instead of at random (Poisson)."""
    duration: float = 0.2
    """Of an invocation, on average."""
    start: float = 0.3
    """What a new sandbox adds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One invocation."""

    time: float
    state: State
    """What its sandbox was started from."""
    is_start: bool
    """Whether it was the sandbox's first one."""
    outcome: Outcome


@dataclass(kw_only=True, eq=False)
class _Warm:
    """A sandbox that has been started."""

    sandbox: Sandbox
    state: State
    is_busy: bool = True
    is_retired: bool = False
    """It serves no more invocations: what it was started from is no longer so."""


class Sandboxes:
    """The sandboxes of one function, and the traffic that they serve."""

    def __init__(
        self,
        plane: ControlPlane,
        starter: Starter,
        traffic: Traffic,
        *,
        qualifier: str = LATEST,
        random: Callable[[str], Random],
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.samples: list[Sample] = []
        self._starter = starter
        self._traffic = traffic
        self._plane = plane
        self._qualifier = qualifier
        self._clock = plane.clock
        self._progress = progress
        self._arrivals = random("traffic")
        self._random = random("fleet")
        self._warm: dict[str, list[_Warm]] = {}
        self._left = traffic.invocations
        plane.on_change = self._retire_old
        plane.invoker = self._invoke

    def begin(self) -> None:
        """From now on, invocations arrive."""
        self._clock.after(self._gap(), self._arrive)

    def close(self) -> None:
        """End every sandbox."""
        with ExitStack() as stack:
            for warm in self._warm.values():
                for one in warm:
                    stack.callback(one.sandbox.close)

    def _gap(self) -> float:
        rate = self._traffic.rate
        return 1 / rate if self._traffic.is_regular else self._arrivals.expovariate(rate)

    def _arrive(self) -> None:
        self._left -= 1
        if self._left:
            self._clock.after(self._gap(), self._arrive)
        self.samples.append(self._serve(self._plane.aliases.route(self._qualifier)))
        self._progress(len(self.samples))

    def _invoke(self, version: str, event: bytes) -> Invoked:
        """An invocation by whoever carries the change out; it counts for nothing else."""
        del event
        outcome = self._serve(version).outcome
        return Invoked(error_type=outcome.error_type, payload=outcome.message.encode())

    def _serve(self, version: str) -> Sample:
        """One invocation: by the sandbox that was idle last, or by a new one."""
        warm = self._warm.setdefault(version, [])
        one = next((one for one in reversed(warm) if not one.is_busy), None)
        is_start = one is None
        if one is None:
            one = self._start(version)
        outcome = one.sandbox.invoke()
        busy = self._random.expovariate(1 / self._traffic.duration)
        if is_start:
            busy += self._traffic.start
        one.is_busy = True
        if outcome.error_type:
            # Lambda keeps no sandbox whose process has ended, or never began.
            self._end(version, one)
        else:
            self._clock.after(busy, lambda: self._rest(version, one))
        return Sample(time=self._clock.now, state=one.state, is_start=is_start, outcome=outcome)

    def _start(self, version: str) -> _Warm:
        state = self._plane.machines.state_for_new_sandbox(version)
        one = _Warm(sandbox=self._starter.start(state), state=state)
        self._warm[version].append(one)
        if state != self._plane.machines.newest_state(version):
            self._retire_later(version, one)
        return one

    def _retire_old(self) -> None:
        for one in self._warm.get(LATEST, ()):
            self._retire_later(LATEST, one)

    def _retire_later(self, version: str, one: _Warm) -> None:
        """An old sandbox serves on for some seconds (`Timing.linger`)."""

        def retire() -> None:
            one.is_retired = True
            if not one.is_busy:
                self._end(version, one)

        self._clock.after(self._random.uniform(0, self._plane.timing.linger), retire)

    def _rest(self, version: str, one: _Warm) -> None:
        one.is_busy = False
        if one.is_retired:
            self._end(version, one)

    def _end(self, version: str, one: _Warm) -> None:
        if one in self._warm[version]:
            self._warm[version].remove(one)
            one.sandbox.close()
