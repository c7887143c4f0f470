"""CloudWatch's alarms and CodeDeploy in memory, on the time line of a control plane."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shim.aws.alarms import Alarm, AlarmState
from shim.aws.codedeploy import LAMBDA, DeploymentStatus, Shift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.aws.api import LambdaError
    from shim.aws.codedeploy import Group
    from shim.simulate.control import ControlPlane


@dataclass(kw_only=True)
class MemoryAlarms:
    """See `shim.aws.alarms.Alarms`."""

    states: dict[str, AlarmState]
    errors: list[LambdaError] = field(default_factory=list)
    """Used up from the front, call by call."""

    def ring(self, name: str) -> None:
        self.states[name] = AlarmState.ALARM

    def describe(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        if self.errors:
            raise self.errors.pop(0)
        return tuple(
            Alarm(name=name, state=self.states[name], reason="threshold crossed")
            for name in names
            if name in self.states
        )


@dataclass(kw_only=True)
class MemoryCodeDeploy:
    """See `shim.aws.codedeploy.CodeDeploy`; a deployment takes a minute, and ends as `ends`."""

    plane: ControlPlane
    ends: DeploymentStatus = DeploymentStatus.SUCCEEDED
    on: str = LAMBDA
    shifts: dict[str, Shift] = field(default_factory=dict)
    errors: list[LambdaError] = field(default_factory=list)
    """Of calls that create something, each of which is carried out all the same."""

    def platform(self, group: Group) -> str:
        del group
        return self.on

    def create(self, group: Group, spec: str) -> str:
        del group
        shift = Shift(id=f"d-{len(self.shifts)}", status=DeploymentStatus.IN_PROGRESS, spec=spec)
        self.shifts[shift.id] = shift
        self.plane.clock.after(60, lambda: self._end(shift))
        if self.errors:
            raise self.errors.pop(0)
        return shift.id

    def running(self, group: Group) -> tuple[Shift, ...]:
        del group
        every = self.shifts.values()
        return tuple(one for one in every if one.status is DeploymentStatus.IN_PROGRESS)

    def get(self, deployment: str) -> Shift:
        return self.shifts[deployment]

    def stop(self, deployment: str) -> None:
        self.shifts[deployment] = replace(
            self.shifts[deployment], status=DeploymentStatus.STOPPED, reason="as asked"
        )

    def _end(self, shift: Shift) -> None:
        if self.shifts[shift.id] is not shift:
            return
        self.shifts[shift.id] = replace(shift, status=self.ends, reason="as told")
        if self.ends is DeploymentStatus.SUCCEEDED:
            now = self.plane.aliases.get("live")
            self.plane.aliases.move(replace(now, version=str(len(self.plane.versions) - 1)))
