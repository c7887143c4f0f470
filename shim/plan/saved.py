"""Reads a plan that document.py wrote: nothing in the file is believed, nor that it is ours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import Runtime, read_runtimes
from shim.check.state import State
from shim.errors import InputError
from shim.fields import Field, read_json
from shim.package.packages import Packages, code_sha256
from shim.plan.alias import AliasPlan, AliasStep, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.document import PLAN_FORMAT
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.package.read import Package

_STATE = ("package", "architecture", "runtime", "handler", "layers", "environment")
_TOP = ("format", "shim", "day", "packages", "begin", "steps", "states", "naive", "wayBack")
_CALLS = {
    "UpdateFunctionCode": ("package", "architecture"),
    "UpdateFunctionConfiguration": ("runtime", "handler", "layers", "environment"),
    "PublishVersion": ("codeSha256",),
    "Invoke": (),
    "UpdateAlias": ("alias", "oldVersion", "share"),
}
"""Each call's own fields."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPlan:
    """What is carried out."""

    plan: Plan | AliasPlan
    day: date | None
    """The day that it was made for."""
    arns: Mapping[Package, str]
    """Of the layers that have one."""


def read_plan(text: str | bytes, *, packages: Packages | None = None) -> SavedPlan:
    """The plan that `text` holds, with its packages read; `InputError` names the place.

    Paths are taken from the current folder. A package that has changed since is refused.
    """
    document = read_json(text)
    if document["format"].whole() != PLAN_FORMAT:
        document["format"].refuse(f"this is a plan of another format than {PLAN_FORMAT}")
    document.check_names(*_TOP)
    reader = _Reader(document["packages"], packages or Packages())
    begin = reader.state(document["begin"])
    return SavedPlan(
        plan=reader.plan(begin, document["steps"]),
        day=_day(document["day"]) if document.has("day") else None,
        arns=reader.arns,
    )


class _Reader:
    """What the document says, with its packages at hand."""

    def __init__(self, listed: Field, packages: Packages) -> None:
        self.arns: dict[Package, str] = {}
        self._packages = [self._package(one, packages) for one in listed.items()]

    def plan(self, begin: State, steps: Field) -> Plan | AliasPlan:
        """The steps; those that move an alias come after those that change `$LATEST`."""
        latest: list[UpdateCode | UpdateConfiguration] = []
        later: list[PublishVersion | InvokeVersion | MoveAlias] = []
        for field in steps.items():
            step = self._step(field)
            if not isinstance(step, UpdateCode | UpdateConfiguration):
                later.append(step)
            elif later:
                field["call"].refuse("nothing changes the function after its version is published")
            else:
                latest.append(step)
        plan = Plan(begin=begin, steps=tuple(latest))
        return AliasPlan(latest=plan, after=tuple(later)) if later else plan

    def state(self, field: Field) -> State:
        field.check_names(*_STATE)
        return State(
            package=self._numbered(field["package"]),
            arch=field["architecture"].one_of(Arch),
            runtime=_runtime(field["runtime"]),
            handler=field["handler"].text(),
            layers=self._layers(field["layers"]),
            environment=_environment(field["environment"]),
        )

    def _step(self, field: Field) -> AliasStep:
        call = field["call"].text()
        if call not in _CALLS:
            field["call"].refuse(f"a plan has no such call, one of {', '.join(_CALLS)}")
        field.check_names("call", "guardsAgainst", *_CALLS[call])
        match call:
            case "UpdateFunctionCode":
                return UpdateCode(
                    package=self._numbered(field["package"]),
                    arch=field["architecture"].one_of(Arch),
                )
            case "UpdateFunctionConfiguration":
                return self._configuration(field)
            case "PublishVersion":
                known = field.has("codeSha256")
                return PublishVersion(code_sha256=field["codeSha256"].text() if known else None)
            case "Invoke":
                return InvokeVersion()
            case _:
                return _move(field)

    def _configuration(self, field: Field) -> UpdateConfiguration:
        step = UpdateConfiguration(
            runtime=_runtime(field["runtime"]) if field.has("runtime") else None,
            handler=field["handler"].text() if field.has("handler") else None,
            layers=self._layers(field["layers"]) if field.has("layers") else None,
            environment=_environment(field["environment"]) if field.has("environment") else None,
        )
        if step == UpdateConfiguration():
            field.refuse("the call carries nothing")
        return step

    def _package(self, field: Field, packages: Packages) -> Package:
        field.check_names("path", "sha256", "arn", "bridge")
        path = field["path"]
        if not path.text():
            path.refuse("no path is given")
        try:
            package = packages.read(Path(path.text()))
        except InputError as error:
            raise InputError(f"{path.place}: {error.message}", hint=error.hint) from error
        if field.has("sha256") and field["sha256"].text() != code_sha256(package):
            raise InputError(
                f"{field['sha256'].place}: the package has changed since the plan was made:"
                f" `{package.path}`",
                hint="make the plan again",
            )
        if field.has("arn"):
            self.arns[package] = field["arn"].text()
        return package

    def _layers(self, field: Field) -> tuple[Package, ...]:
        return tuple(map(self._numbered, field.items()))

    def _numbered(self, field: Field) -> Package:
        number = field.whole()
        if not 0 <= number < len(self._packages):
            field.refuse(f"there is no package of this number, there are {len(self._packages)}")
        return self._packages[number]


def _move(field: Field) -> MoveAlias:
    share = field["share"]
    if not 0 < share.number() <= 1:
        share.refuse("a share is over 0 and at most 1")
    return MoveAlias(
        alias=field["alias"].text(),
        old_version=field["oldVersion"].text(),
        share=share.number(),
    )


def _runtime(field: Field) -> Runtime:
    runtimes = read_runtimes()
    name = field.text()
    if name not in runtimes:
        field.refuse(f"no OS-only runtime is called that, one of {', '.join(runtimes)}")
    return runtimes[name]


def _environment(field: Field) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(field.texts().items()))


def _day(field: Field) -> date:
    try:
        return date.fromisoformat(field.text())
    except ValueError:
        field.refuse("this is no day, as 2026-11-22")
