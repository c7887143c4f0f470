"""Whether a function starts where it is wanted, how it gets there, and what stands against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.check.verdict import Answer
from shim.plan.bridge.planning import Bridged, find_bridged_plan
from shim.plan.search import NoPlan, Reason
from shim.plan.wording import brief, count_calls
from shim.scan.anew import built_anew

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from shim.check.findings import Finding
    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.plan.search import Barred
    from shim.scan.anew import Anew
    from shim.scan.wanted import Wanted

PACKAGE = "package.zip"
"""What every function's own package is called in what is said of it."""

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Against:
    """What keeps a function from where it is wanted, or from being known to start there."""

    code: str
    """A finding's, or `refused`, `barred`, `not-read`."""
    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """One function, in one place where it is wanted."""

    wanted: str
    answer: Answer
    """Whether it starts there, whatever it takes to get there."""
    calls: tuple[str, ...] | None = None
    """Of the plan, none of whose states fails; None where there is no such plan."""
    bridges: tuple[str, ...] = ()
    """What each bridge is that the plan goes over."""
    with_launcher: bool = False
    """Whether it gets a layer with the launcher besides."""
    doubts: int = 0
    """States in between of which it is unknown whether they start."""
    against: tuple[Against, ...] = ()
    anew: tuple[Anew, ...] = ()
    """What would have to be built anew."""

    @property
    def goes(self) -> bool:
        """Whether it is known to start there, by a plan all of whose states are known to."""
        return self.answer is Answer.STARTS and self.calls is not None and not self.doubts

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it isn't there yet, what has to be done about it first."""
        to_do = (f"build anew {anew.path} {anew.purpose}" for anew in self.anew)
        return (*to_do, *(against.message for against in self.against))

    @property
    def way(self) -> str:
        """The plan in a few words."""
        if not self.calls:
            return ""
        over = " over a bridge" if self.bridges else ""
        along = ", with the launcher's layer" if self.with_launcher else ""
        return f"{count_calls(len(self.calls))}{over}{along}"


def not_read(wanted: Wanted, why: str) -> Outlook:
    """Of a function whose package could not be had."""
    against = Against(code="not-read", message=why)
    return Outlook(wanted=str(wanted), answer=Answer.UNKNOWN, against=(against,))


def find_outlook(
    now: State, wanted: Wanted, *, verdicts: Verdicts, day: date, unread: Iterable[str] = ()
) -> Outlook:
    """Asks for the verdict, then for a plan; `unread` is why layers could not be had."""
    there = wanted.state(now)
    verdict = verdicts.verdict(there)
    outlook = Outlook(
        wanted=str(wanted),
        answer=verdict.answer,
        with_launcher=wanted.launcher in there.layers,
        against=(
            *map(_said, verdict.reasons),
            *(Against(code="not-read", message=reason) for reason in unread),
        ),
    )
    if verdict.answer is Answer.FAILS:
        return replace(outlook, anew=built_anew(there, verdict.reasons))
    found = find_bridged_plan(now, there, verdicts=verdicts, day=day, folder=Path())
    if isinstance(found, Bridged):
        return replace(
            outlook,
            calls=tuple(map(brief, found.plan.steps)),
            bridges=tuple(found.bridges.values()),
            doubts=len(found.plan.unknown_between(verdicts.answer)),
        )
    why_not = _why_not(found.answer, verdicts)
    return replace(outlook, against=(*outlook.against, *why_not))


def _said(finding: Finding) -> Against:
    location = finding.location.removeprefix(f"{PACKAGE}!/")
    return Against(code=finding.code, message=f"{location} {finding.sentence}", hint=finding.hint)


def _why_not(answer: NoPlan, verdicts: Verdicts) -> Iterator[Against]:
    """Why there is no plan to what would start."""
    if answer.reason is Reason.BEGIN_FAILS:
        reason = verdicts.verdict(answer.begin).reason
        what = f": {_said(reason).message}" if reason else ""
        yield Against(code="barred", message=f"{answer.reason}{what}")
    for barred in answer.barred[:_SHOWN]:
        yield _barred(barred, verdicts)
    if answer.accepted is not None:
        calls = count_calls(len(answer.accepted.steps))
        yield Against(
            code="barred",
            message=f"where nobody calls $LATEST, any order will do: {calls}",
            hint="let callers invoke an alias: `shim plan --alias`",
        )


def _barred(barred: Barred, verdicts: Verdicts) -> Against:
    call = brief(barred.step)
    if barred.refusal:
        return Against(code="refused", message=f"{call} is refused: {barred.refusal}")
    reason = verdicts.verdict(barred.state).reason
    what = f": {_said(reason).message}" if reason else ""
    return Against(code="barred", message=f"{call} leads to what doesn't start{what}")
