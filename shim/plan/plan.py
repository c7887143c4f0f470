"""A plan: the calls that lead from one state to another, each sent when the last has taken hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from shim.plan.step import after, undo

if TYPE_CHECKING:
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

    def rest_from(self, state: State) -> Plan | None:
        """What is left of it for a function in `state`; None where the plan doesn't go there.

        An executor that was killed goes on with this: a plan made anew wouldn't know the values
        that the function had at the beginning.
        """
        states = self.states
        if state not in states:
            return None
        return Plan(begin=state, steps=self.steps[states.index(state) :])
