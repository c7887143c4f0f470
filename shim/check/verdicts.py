"""Verdicts, each asked for once: for all functions of one run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.check.state import VARIABLES
from shim.check.verdict import verdict

if TYPE_CHECKING:
    from datetime import date

    from shim.check.state import State
    from shim.check.verdict import Answer, Verdict


class Verdicts:
    """The verdict on each state that was asked for; `day` is for the runtimes' dates."""

    def __init__(self, *, day: date | None = None) -> None:
        self._day = day
        self._verdicts: dict[State, Verdict] = {}

    def __len__(self) -> int:
        """How many states there was a verdict on."""
        return len(self._verdicts)

    def answer(self, state: State) -> Answer:
        """Whether the function starts."""
        return self.verdict(state).answer

    def verdict(self, state: State) -> Verdict:
        """Whether the function starts, and what was found; without variables that don't matter."""
        if state.environment:
            kept = tuple(one for one in state.environment if one[0] in VARIABLES)
            state = replace(state, environment=kept)
        known = self._verdicts.get(state)
        if known is None:
            known = self._verdicts[state] = verdict(state, day=self._day)
        return known
