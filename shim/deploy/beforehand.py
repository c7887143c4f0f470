"""What is looked at before a deployment's first call, while nothing has been touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.aws.owner import owner_of
from shim.check.verdict import Answer
from shim.deploy.executor import read_zip
from shim.deploy.patience import Stopped
from shim.deploy.position import as_shown, position
from shim.deploy.transition import Standing
from shim.errors import ExitCode, ShimError
from shim.package.names import layer_name
from shim.plan.alias import AliasPlan
from shim.plan.refusals import refusal, refused
from shim.plan.step import UpdateCode
from shim.plan.way_back import way_back
from shim.plan.wording import reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from shim.aws.api import Function, LambdaApi, Zip
    from shim.check.verdicts import Verdicts
    from shim.deploy.folder import Deployment
    from shim.deploy.transition import Transition
    from shim.package.read import Package
    from shim.plan.plan import Plan


class Unfit(ShimError):
    """The deployment isn't begun, or gone on with, and why."""

    exit_code = ExitCode.NO


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What whoever deploys puts up with, and when."""

    day: date
    despite_owner: bool = False
    """The function belongs to a tool that would put it back."""
    allow_unknown: bool = False
    """It is unknown whether a state on the way starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """Nothing stands against it."""

    index: int
    """Of the plan's state of `$LATEST` that the function shows."""
    arns: Mapping[Package, str]
    """Of the layers that are published."""
    notes: tuple[str, ...]
    share: float = 0.0
    """Of an alias's traffic, that the new version has already."""
    latest_stays: bool = False
    """On the way back only the alias is moved."""


def look_ahead(
    deployment: Deployment,
    api: LambdaApi,
    *,
    transition: Transition,
    verdicts: Verdicts,
    terms: Terms,
) -> Outlook:
    """What there is to say before the first call; `Unfit`, or `LambdaError`, if none is sent."""
    now, arns = api.get_function(deployment.target.address), _arns(deployment, api)
    index = _position(deployment, now, arns)
    _check_owner(deployment, now, terms)
    _check_states(deployment, index, verdicts, terms)
    if problem := refused(deployment.latest, after=index, day=terms.day):
        raise Unfit(f"the API refuses one of its calls today: {problem}", hint="make a new plan")
    _try_code(deployment, deployment.latest, after=index, now=now, api=api, day=terms.day)
    alias = Standing(share=0.0)
    if isinstance(deployment.plan, AliasPlan):
        alias = transition.look(api, deployment.target.address, deployment.plan)
    notes = (*_notes(deployment, now, index, terms), *alias.notes)
    return Outlook(index=index, arns=arns, notes=notes, share=alias.share)


def look_back(deployment: Deployment, api: LambdaApi, *, terms: Terms) -> Outlook:
    """The same for the way back, which only the runtimes' dates can bar.

    Traffic on an alias can go back whatever has become of `$LATEST`, which nobody calls.
    """
    now, arns = api.get_function(deployment.target.address), _arns(deployment, api)
    _check_owner(deployment, now, terms)
    _find_alias(deployment, api)
    back, index = deployment.latest.way_back, 0
    try:
        index = _position(deployment, now, arns)
        after = len(back.steps) - index
        if problem := refused(back, after=after, day=terms.day):
            raise Unfit(f"there is no way back: {problem}")
        _try_code(deployment, back, after=after, now=now, api=api, day=terms.day)
    except (Stopped, Unfit) as error:
        if not isinstance(deployment.plan, AliasPlan):
            raise
        note = f"$LATEST stays as it is: {error.message}"
        notes = (*_unowned(now), note)
        return Outlook(index=index, arns=arns, notes=notes, latest_stays=True)
    return Outlook(index=index, arns=arns, notes=_unowned(now))


def _arns(deployment: Deployment, api: LambdaApi) -> Mapping[Package, str]:
    arns = dict(deployment.arns)
    for state in deployment.latest.states:
        for layer in state.layers:
            if layer not in arns and (found := api.find_layer(*_published_as(layer))):
                arns[layer] = found
    return arns


def _published_as(layer: Package) -> tuple[str, Zip]:
    return layer_name(layer.path), read_zip(layer)


def _position(deployment: Deployment, now: Function, arns: Mapping[Package, str]) -> int:
    """Which of the plan's states the function shows; `Stopped` where it shows none of them."""
    shown = [
        as_shown(
            state,
            code_sha256=read_zip(state.package).sha256,
            layers=tuple(arns.get(layer, layer.path) for layer in state.layers),
        )
        for state in deployment.latest.states
    ]
    return position(now, shown)


def _check_owner(deployment: Deployment, now: Function, terms: Terms) -> None:
    owner = owner_of(dict(now.tags or ()))
    if owner is None or terms.despite_owner:
        return
    raise Unfit(
        f"the function belongs to {owner}, which would put it back (its tag {owner.tag}):"
        f" {deployment.target.name}",
        hint="change it there, in steps that start: `shim diff --split`; or, where that follows"
        " next: `--despite-owner`",
    )


def _unowned(now: Function) -> tuple[str, ...]:
    """What there is to say of an owner who isn't known."""
    if now.tags is not None:
        return ()
    return ("whether another tool owns the function isn't known: that takes lambda:ListTags",)


def _check_states(deployment: Deployment, index: int, verdicts: Verdicts, terms: Terms) -> None:
    """What was promised has to be so by the packages as they lie here, and by today's rules."""
    is_met = not isinstance(deployment.plan, AliasPlan)
    states = deployment.latest.states[index + 1 :] if is_met else (deployment.latest.wanted,)
    for verdict in map(verdicts.verdict, states):
        if verdict.answer is Answer.FAILS:
            raise Unfit(f"the plan leads to a state that doesn't start: {reason(verdict)}")
        if verdict.answer is Answer.UNKNOWN and is_met and not terms.allow_unknown:
            raise Unfit(
                f"it is unknown whether a state on the way starts: {reason(verdict)}",
                hint="where you know that it does: `--allow-unknown`",
            )


def _try_code(
    deployment: Deployment,
    plan: Plan,
    *,
    after: int,
    now: Function,
    api: LambdaApi,
    day: date,
) -> None:
    """The plan's next code call, as a dry run: the permission, the upload, the package itself.

    Where it would be refused for what the function is until then, it keeps the architecture.
    """
    step = next((one for one in plan.steps[after:] if isinstance(one, UpdateCode)), None)
    if step is None:
        return
    for arch in (step.arch, now.arch):
        tried = UpdateCode(package=step.package, arch=arch)
        if refusal(plan.states[after], tried, day=day) is None:
            package, address = read_zip(step.package), deployment.target.address
            api.try_code(address, package, arch=arch, revision=now.revision)
            return


def _find_alias(deployment: Deployment, api: LambdaApi) -> None:
    """It has to be there; whether somebody else moved it, its executor says."""
    if isinstance(deployment.plan, AliasPlan):
        for step in deployment.plan.way_back:
            api.get_alias(deployment.target.address, step.alias)


def _notes(deployment: Deployment, now: Function, index: int, terms: Terms) -> Iterator[str]:
    yield from _unowned(now)
    planned = deployment.target.revision
    if not index and planned and now.revision != planned:
        yield "the function has been changed since the plan was made, and is now what it was then"
    back = way_back(deployment.latest, day=terms.day)
    if back.refusal or back.closes:
        is_alias = isinstance(deployment.plan, AliasPlan)
        latest = "the alias goes back in one call, on any day; for $LATEST, " if is_alias else ""
        yield f"{latest}{back.sentence}"
