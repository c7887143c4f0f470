"""A plan: the calls that lead from one state to another, each sent when the last has taken hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from shim.migrate.step import after

if TYPE_CHECKING:
    from shim.migrate.state import State
    from shim.migrate.step import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A value: printed, saved, compared, carried out."""

    begin: State
    steps: tuple[Step, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """Every state on the way, the first and the last among them."""
        return tuple(accumulate(self.steps, after, initial=self.begin))
