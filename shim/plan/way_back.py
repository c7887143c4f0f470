"""Whether the calls of a plan can be taken back, and until when: the runtimes' dates decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.plan.refusals import refused

if TYPE_CHECKING:
    from datetime import date

    from shim.plan.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class WayBack:
    """What becomes of the way back over the same states."""

    refusal: str | None
    """Why the API refuses it already."""
    closes: date | None = None
    """The day from which it is refused; None where no date is known that bars it."""

    @property
    def sentence(self) -> str:
        """In words."""
        if self.refusal:
            return f"no way back: {self.refusal}"
        until = f"; Lambda refuses that from {self.closes} on" if self.closes else ""
        return f"the way back: the same calls in the other order, each undone{until}"


def way_back(plan: Plan, *, day: date | None) -> WayBack:
    """Of all that `plan` does; without a `day` the runtimes' dates are left out."""
    back = plan.way_back
    if (problem := refused(back, day=day)) or day is None:
        return WayBack(refusal=problem)
    runtimes = {state.runtime for state in plan.states}
    dates = {one.create_blocked for one in runtimes} | {one.update_blocked for one in runtimes}
    later = sorted(one for one in dates if one is not None and one > day)
    closes = next((one for one in later if refused(back, day=one)), None)
    return WayBack(refusal=None, closes=closes)
