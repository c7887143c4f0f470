"""What an executor tells of its work, one value at a time: for records, tables and sentences.

None has a value of the environment, nor what a function was sent or answered. Whoever listens may
raise: before a call, that keeps it from being sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """A call that changes something, or invokes, is sent next."""

    call: str
    """Its name in the API."""
    text: str
    """The same, with what it brings."""
    number: int = 0
    total: int = 0
    """Which of the plan's calls it is, from 1; 0 where it is none of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What became of the call that was sent last, as far as its answer says."""

    call: str
    text: str
    gave: str = ""
    """The revision, version or ARN in the answer."""
    error: str | None = None
    """What kind of error it was, `Conflict` say; None where the call was accepted."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Nothing is sent until this has come true."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrying:
    """It is tried again after a pause."""

    text: str
    seconds: float
    reason: str


Event = Sending | Answered | Waiting | Retrying


def sentence(event: Event) -> str:
    """The event for a person."""
    match event:
        case Sending():
            place = f"call {event.number} of {event.total}: " if event.number else ""
            return f"{place}{event.text}"
        case Answered():
            return f"not accepted: {event.reason}" if event.error else f"accepted: {event.text}"
        case Waiting():
            return f"waiting until {event.text}"
        case Retrying():
            return f"trying again in {event.seconds:.1f} seconds: {event.reason}"
        case _:
            assert_never(event)
