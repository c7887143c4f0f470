"""Which states serve invocations at each moment of a plan.

A sandbox keeps the whole state that it was started with: package, architecture and configuration.
So while old sandboxes still serve, no mix of two states does; what may serve is what a sandbox may
have been started with, now or before, and every state of a plan starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.plan.plan import Plan
    from shim.plan.state import State
    from shim.plan.step import Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """While one call is under way, or, after the last, from then on."""

    step: Step | None
    """The call; None after the last."""
    starting: tuple[State, ...]
    """What a new sandbox starts with: while a call is under way, what was or what will be."""
    serving: tuple[State, ...]
    """What the sandboxes that still serve may have been started with, the oldest first."""


def moments(plan: Plan) -> tuple[Moment, ...]:
    """A plan from its first call to the time after its last."""
    states = plan.states
    return tuple(
        Moment(step=step, starting=states[index : index + 2], serving=states[: index + 2])
        for index, step in enumerate((*plan.steps, None))
    )
