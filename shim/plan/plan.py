"""A plan: the calls that lead from one state to another, each sent when the last has taken hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from shim.check.verdict import Answer
from shim.plan.step import after, undo

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.check.state import State
    from shim.plan.step import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A value: printed, saved, compared, carried out."""

    begin: State
    steps: tuple[Step, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """Every state on the way, the first and the last among them."""
        return tuple(accumulate(self.steps, after, initial=self.begin))

    @property
    def wanted(self) -> State:
        """Where it leads."""
        return self.states[-1]

    @property
    def way_back(self) -> Plan:
        """The same states in the other order; the runtimes' dates may bar it (`refusal`)."""
        undone = [undo(before, step) for before, step in zip(self.states, self.steps, strict=False)]
        return Plan(begin=self.wanted, steps=tuple(reversed(undone)))

    def unknown(self, answer: Callable[[State], Answer]) -> tuple[int, ...]:
        """The indexes in `states` of those of which it is not known whether they start."""
        states = enumerate(self.states)
        return tuple(index for index, state in states if answer(state) is Answer.UNKNOWN)

    def unknown_between(self, answer: Callable[[State], Answer]) -> tuple[State, ...]:
        """The same, without the first and the last: these it was given, those it chose."""
        ends = {0, len(self.steps)}
        return tuple(self.states[index] for index in self.unknown(answer) if index not in ends)
