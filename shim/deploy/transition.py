"""How an alias gets its traffic to a new version, and what is looked at before anything is touched.

Two versions share an alias only where both are published and have the same role and the same
dead-letter queue (Lambda API reference, `AliasRoutingConfiguration`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.aws.alarms import AlarmState
from shim.aws.codedeploy import LAMBDA
from shim.deploy.patience import Stopped
from shim.package.packages import code_sha256
from shim.plan.alias import MoveAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.aws.alarms import Alarm, Alarms
    from shim.aws.api import Alias, Function, LambdaApi
    from shim.aws.codedeploy import CodeDeploy, Group
    from shim.deploy.expected import Expected
    from shim.plan.alias import AliasPlan

PAUSE_SECONDS = 60.0
"""How long each share of the traffic is left as it is before the next call."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Alarms that bring the traffic back."""

    alarms: Alarms
    names: tuple[str, ...]

    def ringing(self) -> Alarm | None:
        """One that is in ALARM."""
        states = self.alarms.describe(self.names)
        return next((one for one in states if one.state is AlarmState.ALARM), None)

    def look(self, *, is_begun: bool) -> Iterator[str]:
        """What there is to say of them beforehand; `Stopped` where they can't be watched.

        Where the traffic is on its way already, one that rings brings it back.
        """
        found = {one.name: one for one in self.alarms.describe(self.names)}
        for name in self.names:
            if name not in found:
                raise Stopped(
                    f"there is no such alarm in this account and region: {name}",
                    hint="aws cloudwatch describe-alarms --alarm-types MetricAlarm CompositeAlarm",
                )
            if found[name].state is AlarmState.ALARM and is_begun:
                yield f"the alarm {name} is in ALARM, which brings the traffic back"
            elif found[name].state is AlarmState.ALARM:
                raise Stopped(f"the alarm {name} is in ALARM already: {found[name].reason}")
            if found[name].state is AlarmState.INSUFFICIENT_DATA:
                yield f"the alarm {name} has not enough data: until it has, it brings nothing back"


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """CodeDeploy moves the traffic, as a group of its own says."""

    codedeploy: CodeDeploy
    group: Group

    def look(self) -> str:
        """Who moves the alias; `LambdaError` where there is no such group, or it is for others."""
        platform = self.codedeploy.platform(self.group)
        if platform != LAMBDA:
            raise Stopped(f"the deployment group {self.group} deploys to {platform}, not to Lambda")
        return f"CodeDeploy moves the alias, as its deployment group {self.group} says"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where an alias is on its way."""

    share: float
    """Of its traffic, that a version of what is wanted has already."""
    notes: tuple[str, ...] = ()
    """What there is to say of the rest of the way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """What the new version has to show before it has traffic, and how it gets that."""

    event: bytes = b"{}"
    expected: Expected | None = None
    """In the answer to the event; None: any answer will do."""
    pause: float = PAUSE_SECONDS
    watch: Watch | None = None
    handover: Handover | None = None

    def look(self, api: LambdaApi, function: str, plan: AliasPlan) -> Standing:
        """Where the alias is before the first call; `LambdaError` where none may be sent."""
        moves = [step for step in plan.after if isinstance(step, MoveAlias)]
        if not moves:
            return Standing(share=1.0)
        now, old = _alias(api, function, plan, moves[0]), moves[0].old_version
        if now.version != old:
            return Standing(share=1.0)
        if self.handover or len(moves) > 1:
            _check_same(api.get_function(function, old), api.get_function(function))
        notes = [*self.watch.look(is_begun=now.other_version is not None)] if self.watch else []
        if self.handover:
            if len(moves) > 1:
                raise Stopped(
                    "the plan moves the alias by shares, and CodeDeploy by those of its group",
                    hint="make the plan without --share",
                )
            notes.append(self.handover.look())
        return Standing(share=now.other_weight if now.other_version else 0.0, notes=tuple(notes))


def moved_by_others(now: Alias, alias: str) -> Stopped:
    """Where an alias is that isn't where the plan has it."""
    where = f"it is on {now.version}"
    if now.other_version:
        where += f", and by a weight of {now.other_weight:.0%} on {now.other_version}"
    return Stopped(
        f"somebody else moved the alias {alias}: {where}",
        hint="nothing of that was overwritten: make a new plan from where it is now",
    )


def _alias(api: LambdaApi, function: str, plan: AliasPlan, move: MoveAlias) -> Alias:
    """It is where the plan has it, or on its way: then its other version is what is wanted."""
    now = api.get_alias(function, move.alias)
    for version in {now.version, now.other_version or now.version} - {move.old_version}:
        if not _is_wanted(api.get_function(function, version), plan):
            raise moved_by_others(now, move.alias)
    return now


def _is_wanted(version: Function, plan: AliasPlan) -> bool:
    """As far as can be told before layers are published."""
    wanted = plan.latest.wanted
    return (
        *(version.code_sha256, version.arch, version.runtime),
        *(version.handler, version.environment),
    ) == (
        *(code_sha256(wanted.package), wanted.arch, wanted.runtime.name),
        *(wanted.handler, wanted.environment),
    )


def _check_same(old: Function, latest: Function) -> None:
    """Lambda splits the traffic between no other versions."""
    for what, one, other in (
        ("role", old.role, latest.role),
        ("dead-letter queue", old.dead_letters, latest.dead_letters),
    ):
        if one != other:
            raise Stopped(
                f"version {old.version} and $LATEST differ in their {what}, and Lambda splits an"
                f" alias's traffic only between versions with the same: {one or 'none'} and"
                f" {other or 'none'}",
                hint="move it at once, without shares and CodeDeploy; or, to have shares, first"
                f" publish a version that differs from version {old.version} in the {what} alone",
            )
