"""A plan as JSON; docs/reference/plan.schema.json says what is where.

What is needed to carry it out is in `function`, `packages`, `begin` and `steps`: only that is read
back (saved.py). The rest is for people and other programs, and can always be derived anew.
"""

from __future__ import annotations

import os.path
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.check.report import finding_as_json
from shim.check.verdict import Answer
from shim.document import as_object, document
from shim.package.packages import code_sha256
from shim.plan.alias import AliasPlan
from shim.plan.hazards import guard_sentences
from shim.plan.orders import Naive, naive_changes
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.search import NoPlan, Reason
from shim.plan.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.package.read import Package
    from shim.plan.target import Target

PLAN_FORMAT = 1
"""Counted up when a reader must know of a change."""


def as_document(
    plan: Plan | AliasPlan,
    *,
    verdicts: Verdicts,
    day: date | None,
    arns: Mapping[Package, str] | None = None,
    bridges: Mapping[Package, str] | None = None,
    target: Target | None = None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """A plan as plain values; `arns` of the layers that have one, `bridges` with what each is.

    It will lie in `folder`: that and its packages can be moved together.
    """
    latest = plan if isinstance(plan, Plan) else plan.latest
    packages = _packages(latest.states)
    values = Values(packages)
    sentences = guard_sentences(plan, verdicts, day=day)
    content = {
        "day": None if day is None else day.isoformat(),
        "answer": promised(plan, verdicts).value,
        "function": None if target is None else as_object(target),
        "packages": [
            {
                "path": one.path if folder is None else _path_from(folder, Path(one.path)),
                "sha256": code_sha256(one),
                "arn": (arns or {}).get(one),
                "bridge": (bridges or {}).get(one),
            }
            for one in packages
        ],
        "begin": values.write_state(latest.begin),
        "steps": [
            {**values.write_step(step), "guardsAgainst": sentence}
            for step, sentence in zip(plan.steps, sentences, strict=True)
        ],
        "states": [_judged(state, values, verdicts) for state in latest.states],
        "naive": [
            _naive(one, values, verdicts)
            for one in naive_changes(latest.begin, latest.wanted, day=day)
        ],
        "wayBack": _way_back(plan, values, day),
    }
    return document(PLAN_FORMAT, content)


def no_plan_as_document(
    answer: NoPlan, *, bridge: Iterable[str], verdicts: Verdicts
) -> dict[str, Any]:
    """Why there is no plan, and no `bridge` helps; docs/reference/plan.md says what is where."""
    failing = [one.state for one in answer.barred if one.refusal is None]
    if answer.reason is Reason.BEGIN_FAILS:
        failing = [answer.begin]
    elif answer.reason is Reason.WANTED_FAILS:
        failing = [answer.wanted]
    packages = _packages((answer.begin, answer.wanted, *failing))
    values = Values(packages)
    judged = [_judged(state, values, verdicts) for state in failing]
    for one in judged:
        # Nothing is carried out by this: no secret need be in it.
        del one["environment"]
    content = {
        "plan": None,
        "reason": answer.reason.value,
        "packages": [one.path for one in packages],
        "failing": judged,
        "refused": [one.refusal for one in answer.barred if one.refusal],
        "bridge": list(bridge),
    }
    return document(PLAN_FORMAT, content)


def promised(plan: Plan | AliasPlan, verdicts: Verdicts) -> Answer:
    """Whether every state that the calls lead to is known to start, as far as anybody meets it.

    What the function is before the first call is not the plan's business. A version is invoked
    before an alias moves to it, so that nobody meets one that doesn't start.
    """
    if isinstance(plan, AliasPlan) or not any(plan.unknown(verdicts.answer)):
        return Answer.STARTS
    return Answer.UNKNOWN


def _path_from(folder: Path, path: Path) -> str:
    """How a package is found from there, whatever links lead to either."""
    place = path.parent.resolve() / path.name
    try:
        return Path(os.path.relpath(place, folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return str(place)


def _packages(states: Iterable[State]) -> tuple[Package, ...]:
    return tuple(dict.fromkeys(one for state in states for one in (state.package, *state.layers)))


def _judged(state: State, values: Values, verdicts: Verdicts) -> dict[str, Any]:
    verdict = verdicts.verdict(state)
    return {
        **values.write_state(state),
        "answer": verdict.answer.value,
        "findings": [finding_as_json(one) for one in verdict.findings],
    }


def _naive(change: Naive, values: Values, verdicts: Verdicts) -> dict[str, Any]:
    return {
        "order": change.order.value,
        "states": [_judged(state, values, verdicts) for state in change.states],
        "refused": [
            {**values.write_step(one.step), "refusal": one.refusal} for one in change.refused
        ],
    }


def _way_back(plan: Plan | AliasPlan, values: Values, day: date | None) -> list[dict[str, Any]]:
    """The calls that lead back, each with why the API would refuse it."""
    if isinstance(plan, AliasPlan):
        return [{**values.write_step(step), "refusal": None} for step in plan.way_back]
    back = plan.way_back
    return [
        {**values.write_step(step), "refusal": refusal(state, step, day=day)}
        for state, step in zip(back.states, back.steps, strict=False)
    ]
