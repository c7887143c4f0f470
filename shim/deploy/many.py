"""Many deployments at a time, each in a thread: one that fails stops no other.

What bounds them is the rate of calls that the account takes, not this machine: a thread waits for
its turn, or for an update to take hold, nearly all of its time (docs/reference/deploy.md has
the figures).
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shim.deploy.patience import MonotonicClock
from shim.errors import ShimError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shim.deploy.deployment import Done
    from shim.deploy.folder import DeploymentFolder

WORKERS = 256
"""So many updates may be on their way at a time: with less, the rate of 15 calls a second isn't
reached where each takes some ten seconds to take hold."""


class Ending(StrEnum):
    """What became of a deployment."""

    CHANGED = "changed"
    UNCHANGED = "nothing to do"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_BEGUN = "not begun"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One deployment, as it ended."""

    folder: DeploymentFolder
    ending: Ending
    calls: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""
    hint: str = ""

    @property
    def is_fine(self) -> bool:
        """Whether the function is what was wanted."""
        return self.ending in {Ending.CHANGED, Ending.UNCHANGED}


class Interrupted(KeyboardInterrupt):
    """Somebody asked for the end of a thread."""


class Stop(MonotonicClock):
    """A clock for all threads, which ends them where they sleep, or before their next call."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self) -> None:
        """From now on, every `check` and `sleep` raises `Interrupted`."""
        self._event.set()

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked for the end."""
        return self._event.is_set()

    def check(self) -> None:
        """Go on, unless somebody asked for the end."""
        if self._event.is_set():
            raise Interrupted

    def sleep(self, seconds: float) -> None:
        """See `Clock`; and `check`."""
        self._event.wait(seconds)
        self.check()


def run_all(
    folders: Iterable[DeploymentFolder],
    carry_out: Callable[[DeploymentFolder], Done],
    *,
    stop: Stop,
    ended: Callable[[Outcome], None],
    workers: int = WORKERS,
    most_failures: int | None = None,
) -> None:
    """Call `carry_out` for each; `ended` gets every outcome, in this thread, one at a time.

    After `most_failures` none is begun any more, and those that are on their way go on; once `stop`
    is asked, these end after their calls in flight.
    """
    waiting, failures = list(reversed([*folders])), 0
    running: set[Future[Outcome]] = set()
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while waiting or running:
            is_over = stop.is_asked or (most_failures is not None and failures >= most_failures)
            while waiting and (is_over or len(running) < workers):
                folder = waiting.pop()
                if is_over:
                    ended(Outcome(folder=folder, ending=Ending.NOT_BEGUN))
                else:
                    running.add(pool.submit(_outcome, folder, carry_out, stop))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for outcome in (future.result() for future in done):
                failures += outcome.ending is Ending.FAILED
                ended(outcome)


def _outcome(
    folder: DeploymentFolder, carry_out: Callable[[DeploymentFolder], Done], stop: Stop
) -> Outcome:
    try:
        stop.check()
        done = carry_out(folder)
    except ShimError as error:
        return Outcome(
            folder=folder, ending=Ending.FAILED, problem=error.message, hint=error.hint or ""
        )
    except Interrupted:
        return Outcome(folder=folder, ending=Ending.INTERRUPTED)
    ending = Ending.CHANGED if done.calls else Ending.UNCHANGED
    return Outcome(folder=folder, ending=ending, calls=done.calls, notes=done.notes)
