"""A plan as JSON; docs/plan.schema.json says what is where.

What is needed to carry it out is in `packages`, `begin` and `steps`: only that is read back
(saved.py). The rest is for people and other programs, and can always be derived anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from shim.check.report import finding_as_json
from shim.document import document
from shim.package.packages import code_sha256
from shim.plan.alias import AliasPlan, AliasStep, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.hazards import guard_sentences
from shim.plan.orders import Naive, naive_changes
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.package.read import Package

PLAN_FORMAT = 1
"""Counted up when a reader must know of a change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Writer:
    """Turns values into JSON's; packages are written as places in one list."""

    numbers: Mapping[Package, int]
    verdicts: Verdicts

    def state(self, state: State) -> dict[str, Any]:
        return {
            "package": self.numbers[state.package],
            "architecture": state.arch.value,
            "runtime": state.runtime.name,
            "handler": state.handler,
            "layers": [self.numbers[layer] for layer in state.layers],
            "environment": dict(state.environment),
        }

    def judged(self, state: State) -> dict[str, Any]:
        verdict = self.verdicts.verdict(state)
        return {
            **self.state(state),
            "starts": verdict.starts,
            "findings": [finding_as_json(one) for one in verdict.findings],
        }

    def step(self, step: AliasStep) -> dict[str, Any]:
        match step:
            case UpdateCode():
                return {
                    "call": "UpdateFunctionCode",
                    "package": self.numbers[step.package],
                    "architecture": step.arch.value,
                }
            case UpdateConfiguration():
                return {"call": "UpdateFunctionConfiguration", **self._configuration(step)}
            case PublishVersion():
                return {"call": "PublishVersion", "codeSha256": step.code_sha256}
            case InvokeVersion():
                return {"call": "Invoke"}
            case MoveAlias():
                return {
                    "call": "UpdateAlias",
                    "alias": step.alias,
                    "oldVersion": step.old_version,
                    "share": step.share,
                }
            case _:
                assert_never(step)

    def naive(self, change: Naive) -> dict[str, Any]:
        return {
            "order": change.order.value,
            "states": [self.judged(state) for state in change.states],
            "refused": [{**self.step(one.step), "refusal": one.refusal} for one in change.refused],
        }

    def _configuration(self, step: UpdateConfiguration) -> dict[str, Any]:
        fields = {
            "runtime": None if step.runtime is None else step.runtime.name,
            "handler": step.handler,
            "layers": None if step.layers is None else [self.numbers[one] for one in step.layers],
            "environment": None if step.environment is None else dict(step.environment),
        }
        return {name: value for name, value in fields.items() if value is not None}


def as_document(
    plan: Plan | AliasPlan,
    *,
    verdicts: Verdicts,
    day: date | None,
    arns: Mapping[Package, str] | None = None,
    bridges: Mapping[Package, str] | None = None,
) -> dict[str, Any]:
    """A plan as plain values; `arns` of the layers that have one, `bridges` with what each is."""
    latest = plan if isinstance(plan, Plan) else plan.latest
    packages = _packages(latest.states)
    writer = _Writer(
        numbers={one: number for number, one in enumerate(packages)}, verdicts=verdicts
    )
    sentences = guard_sentences(plan, verdicts, day=day)
    content = {
        "day": None if day is None else day.isoformat(),
        "packages": [
            {
                "path": one.path,
                "sha256": code_sha256(one),
                "arn": (arns or {}).get(one),
                "bridge": (bridges or {}).get(one),
            }
            for one in packages
        ],
        "begin": writer.state(latest.begin),
        "steps": [
            {**writer.step(step), "guardsAgainst": sentence}
            for step, sentence in zip(plan.steps, sentences, strict=True)
        ],
        "states": [writer.judged(state) for state in latest.states],
        "naive": [writer.naive(one) for one in naive_changes(latest.begin, latest.wanted, day=day)],
        "wayBack": _way_back(plan, writer, day),
    }
    return document(PLAN_FORMAT, content)


def _packages(states: Iterable[State]) -> tuple[Package, ...]:
    return tuple(dict.fromkeys(one for state in states for one in (state.package, *state.layers)))


def _way_back(plan: Plan | AliasPlan, writer: _Writer, day: date | None) -> list[dict[str, Any]]:
    """The calls that lead back, each with why the API would refuse it."""
    if isinstance(plan, AliasPlan):
        return [{**writer.step(step), "refusal": None} for step in plan.way_back]
    back = plan.way_back
    return [
        {**writer.step(step), "refusal": refusal(state, step, day=day)}
        for state, step in zip(back.states, back.steps, strict=False)
    ]
