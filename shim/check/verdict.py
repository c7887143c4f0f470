"""The verdict on a state, and the handlers that a package has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shim.check.execution import Machine
from shim.check.findings import Finding, Severity
from shim.check.rules import RULES, check_runtime
from shim.check.start import check_start, looks_at_handler
from shim.package.executables import handlers_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from shim.check.state import State


class Answer(StrEnum):
    """What a verdict says."""

    STARTS = "starts"
    FAILS = "doesn't start"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """For sorting: the best first."""
        return _RANKS.index(self)


_RANKS = (Answer.STARTS, Answer.UNKNOWN, Answer.FAILS)


def worst(answers: Iterable[Answer]) -> Answer:
    """The answer for all of them together."""
    return max(answers, key=lambda answer: answer.rank, default=Answer.STARTS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a state starts, and what was found on the way, the worst first."""

    state: State
    findings: tuple[Finding, ...]

    @property
    def answer(self) -> Answer:
        """Whether the function starts, as far as it can be known."""
        severities = {finding.severity for finding in self.findings}
        if Severity.ERROR in severities:
            return Answer.FAILS
        return Answer.UNKNOWN if Severity.UNKNOWN in severities else Answer.STARTS

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The findings that the answer follows from: none where it starts."""
        deciding = {Answer.FAILS: Severity.ERROR, Answer.UNKNOWN: Severity.UNKNOWN}
        severity = deciding.get(self.answer)
        return tuple(finding for finding in self.findings if finding.severity is severity)

    @property
    def reason(self) -> Finding | None:
        """What keeps it from starting, or else what isn't known of that; None where it starts."""
        return next(iter(self.reasons), None)

    @property
    def starts(self) -> bool:
        """Whether it is known that the function starts."""
        return self.answer is Answer.STARTS


def verdict(state: State, *, day: date | None = None) -> Verdict:
    """Whether `state` starts, and why not; reads the packages and nothing else.

    The runtime's dates are held against `day`; without one they are left out.
    """
    found = [finding for rule in RULES for finding in rule(state)]
    found += check_start(Machine(state))
    if day is not None:
        found += check_runtime(state, day)
    unique = dict.fromkeys(found)
    ordered = sorted(unique, key=lambda finding: finding.severity.rank)
    return Verdict(state=state, findings=tuple(ordered))


def find_handlers(state: State) -> tuple[str, ...]:
    """The handlers that the state's package and layers have programs for, by name.

    Empty where `bootstrap` is itself the function and doesn't look at the handler.
    """
    if not looks_at_handler(Machine(state)):
        return ()
    packages = (state.package, *state.layers)
    return tuple(sorted(frozenset().union(*map(handlers_of, packages))))
