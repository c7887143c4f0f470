"""Reads a plan that document.py wrote: nothing in the file is believed, nor that it is ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.fields import Field, read_json
from shim.package.packages import Packages, code_sha256
from shim.plan.alias import AliasPlan, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.document import PLAN_FORMAT
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.target import Target
from shim.plan.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.check.state import State
    from shim.package.read import Package
    from shim.plan.step import Step

_TOP = (
    "format",
    "shim",
    "day",
    "answer",
    "function",
    "packages",
    "begin",
    "steps",
    "states",
    "naive",
    "wayBack",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPlan:
    """What is carried out."""

    plan: Plan | AliasPlan
    day: date | None
    """The day that it was made for."""
    arns: Mapping[Package, str]
    """Of the layers that have one."""
    target: Target | None = None
    """The function that it was made for, where that is known."""


def read_plan(
    text: str | bytes, *, packages: Packages | None = None, folder: Path = Path()
) -> SavedPlan:
    """The plan that `text` holds, with its packages read; `InputError` names the JSON path.

    Paths are taken from `folder`. A package that has changed since is refused.
    """
    document = read_json(text)
    if document["format"].whole() != PLAN_FORMAT:
        document["format"].refuse(f"this is a plan of another format than {PLAN_FORMAT}")
    document.check_names(*_TOP)
    kept = packages or Packages()
    listed = [(field, _read_package(field, kept, folder)) for field in document["packages"].items()]
    values = Values([package for _, package in listed])
    begin = values.read_state(document["begin"])
    return SavedPlan(
        plan=_read_steps(values, begin, document["steps"]),
        day=_day(document["day"]) if document.has("day") else None,
        arns={package: field["arn"].text() for field, package in listed if field.has("arn")},
        target=_target(document["function"]) if document.has("function") else None,
    )


def _read_steps(values: Values, begin: State, steps: Field) -> Plan | AliasPlan:
    """Those that move an alias come after those that change `$LATEST`."""
    latest: list[Step] = []
    later: list[PublishVersion | InvokeVersion | MoveAlias] = []
    for field in steps.items():
        step = values.read_step(field, "guardsAgainst")
        if not isinstance(step, UpdateCode | UpdateConfiguration):
            later.append(step)
        elif later:
            field["call"].refuse("nothing changes the function after its version is published")
        else:
            latest.append(step)
    plan = Plan(begin=begin, steps=tuple(latest))
    return AliasPlan(latest=plan, after=tuple(later)) if later else plan


def _read_package(field: Field, packages: Packages, folder: Path) -> Package:
    field.check_names("path", "sha256", "arn", "bridge")
    path = field["path"]
    if not path.text():
        path.refuse("no path is given")
    try:
        package = packages.read(folder / path.text())
    except InputError as error:
        raise InputError(f"{path.json_path}: {error.message}", hint=error.hint) from error
    if field.has("sha256") and field["sha256"].text() != code_sha256(package):
        raise InputError(
            f"{field['sha256'].json_path}: the package has changed since the plan was made:"
            f" `{package.path}`",
            hint="make the plan again",
        )
    return package


def _target(field: Field) -> Target:
    field.check_names("name", "arn", "revision")
    if not field["name"].text():
        field["name"].refuse("no function is named")
    return Target(
        name=field["name"].text(), arn=field["arn"].text(), revision=field["revision"].text()
    )


def _day(field: Field) -> date:
    try:
        return date.fromisoformat(field.text())
    except ValueError:
        field.refuse("not a day such as 2026-11-22")
