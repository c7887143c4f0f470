"""What each call of a plan guards against: what a later one would do if it came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from shim.check.verdict import Answer, Verdict
from shim.plan.alias import AliasPlan, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.step import Step, after
from shim.plan.wording import PATHS, Names, call_in_words, reason

if TYPE_CHECKING:
    from datetime import date

    from shim.check.verdicts import Verdicts


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """A later call, sent too early."""

    step: Step
    verdict: Verdict
    """On what it would lead to."""
    refusal: str | None
    """Why the API would refuse it; None where what it leads to fails, or may."""

    def sentence(self, names: Names = PATHS, *, label: str = "") -> str:
        """In words; `label` stands for what it would lead to, where that is described elsewhere."""
        sent = f"before this call, {call_in_words(self.step, names)} would"
        if self.refusal:
            return f"{sent} be refused: {self.refusal}"
        if label:
            return f"{sent} lead to {label}"
        is_known = self.verdict.answer is Answer.FAILS
        what = "that does not start" if is_known else "of which it is unknown whether it starts"
        return f"{sent} leave a function {what}: {reason(self.verdict, names)}"


def guards(plan: Plan, verdicts: Verdicts, *, day: date | None) -> tuple[Guard | None, ...]:
    """For each step the nearest later one that has to wait for it; None where none has to."""
    return tuple(_guard_of(plan, index, verdicts, day=day) for index, _ in enumerate(plan.steps))


def guard_sentences(
    plan: Plan | AliasPlan, verdicts: Verdicts, *, day: date | None, names: Names = PATHS
) -> tuple[str | None, ...]:
    """What each step guards against, in words; None where it could as well come later."""
    if isinstance(plan, Plan):
        found = guards(plan, verdicts, day=day)
        return tuple(one.sentence(names) if one else None for one in found)
    # Nobody calls `$LATEST`: there only the API's refusals count.
    latest = (
        one.sentence(names) if one and one.refusal else None
        for one in guards(plan.latest, verdicts, day=day)
    )
    return (*latest, *map(_alias_sentence, plan.after))


def _alias_sentence(step: PublishVersion | InvokeVersion | MoveAlias) -> str:
    match step:
        case PublishVersion():
            return "publishing what somebody else changed in between (RevisionId, CodeSha256)"
        case InvokeVersion():
            return "traffic on a version that does not start: it is invoked before it has any"
        case MoveAlias():
            return f"staying on it: the way back is one call, to version {step.old_version}"
        case _:
            assert_never(step)


def _guard_of(plan: Plan, index: int, verdicts: Verdicts, *, day: date | None) -> Guard | None:
    begin, own = plan.states[index], verdicts.answer(plan.states[index + 1])
    for step in plan.steps[index + 1 :]:
        refused = refusal(begin, step, day=day)
        verdict = verdicts.verdict(after(begin, step))
        # What the plan itself goes through unknown, it guards from nothing but failures.
        if refused or verdict.answer is Answer.FAILS or verdict.answer not in {own, Answer.STARTS}:
            return Guard(step=step, verdict=verdict, refusal=refused)
    return None
