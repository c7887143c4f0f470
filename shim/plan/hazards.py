"""What each call of a plan guards against: what a later one would do if it came first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from shim.check.findings import Finding, Severity
from shim.plan.alias import AliasPlan, AliasStep, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.step import Step, UpdateCode, UpdateConfiguration, after

if TYPE_CHECKING:
    from datetime import date

    from shim.check.state import State
    from shim.check.verdicts import Verdicts


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """A later call, sent too early."""

    step: Step
    state: State
    """What it would lead to."""
    refusal: str | None
    """Why the API would refuse it; None where `state` doesn't start."""
    finding: Finding | None
    """What would keep `state` from starting; None where the call would be refused."""

    @property
    def sentence(self) -> str:
        """In words."""
        call = describe(self.step)
        if self.finding is None:
            return f"before this call, {call} would be refused: {self.refusal}"
        return (
            f"before this call, {call} would leave a function that does not start:"
            f" `{self.finding.place}` {self.finding.sentence}"
        )


def guards(plan: Plan, verdicts: Verdicts, *, day: date | None) -> tuple[Guard | None, ...]:
    """For each step the nearest later one that has to wait for it; None where none has to."""
    return tuple(
        _guard_of(state, plan.steps[index + 1 :], verdicts, day=day)
        for index, state in enumerate(plan.states[:-1])
    )


def guard_sentences(
    plan: Plan | AliasPlan, verdicts: Verdicts, *, day: date | None
) -> tuple[str | None, ...]:
    """What each step guards against, in words; None where it could as well come later."""
    if isinstance(plan, Plan):
        return tuple(one.sentence if one else None for one in guards(plan, verdicts, day=day))
    # Nobody calls `$LATEST`: there only the API's refusals count.
    latest = (
        one.sentence if one and one.refusal else None
        for one in guards(plan.latest, verdicts, day=day)
    )
    return (*latest, *map(_alias_sentence, plan.after))


def describe(step: AliasStep) -> str:
    """A call in a few words: its name and what it brings."""
    match step:
        case UpdateCode():
            return f"UpdateFunctionCode ({step.package.path}, {step.arch})"
        case UpdateConfiguration():
            parts = {
                "runtime": step.runtime and step.runtime.name,
                "handler": step.handler,
                "layers": None if step.layers is None else _names(step),
                "environment": None if step.environment is None else f"{len(step.environment)} set",
            }
            fields = ", ".join(f"{name} {value}" for name, value in parts.items() if value)
            return f"UpdateFunctionConfiguration ({fields})"
        case PublishVersion():
            return "PublishVersion"
        case InvokeVersion():
            return "Invoke (the published version)"
        case MoveAlias():
            return f"UpdateAlias ({step.alias}, {step.share:.0%} to the published version)"
        case _:
            assert_never(step)


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


def _names(step: UpdateConfiguration) -> str:
    return " + ".join(layer.path for layer in step.layers or ()) or "none"


def _guard_of(
    state: State, later: tuple[Step, ...], verdicts: Verdicts, *, day: date | None
) -> Guard | None:
    for step in later:
        reached, refused = after(state, step), refusal(state, step, day=day)
        errors = (
            one for one in verdicts.verdict(reached).findings if one.severity is Severity.ERROR
        )
        found = None if refused else next(errors, None)
        if refused or found:
            return Guard(step=step, state=reached, refusal=refused, finding=found)
    return None
