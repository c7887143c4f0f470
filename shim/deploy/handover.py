"""Lets CodeDeploy move an alias, and sees to it until that has come to its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shim.aws.api import NotNow
from shim.aws.codedeploy import ENDED, DeploymentStatus, app_spec
from shim.deploy.events import Answered, Sending, Waiting
from shim.deploy.executor import Executor
from shim.deploy.patience import Stopped

if TYPE_CHECKING:
    from shim.aws.codedeploy import Shift
    from shim.deploy.transition import Handover
    from shim.plan.alias import MoveAlias

LOOK_SECONDS = 15.0
"""How often a deployment of CodeDeploy's is looked at, for there may be many at a time; how long it
takes is its group's to say."""


class HandoverExecutor(Executor):
    """An `Executor` that knows CodeDeploy."""

    def hand_over(self, step: MoveAlias, version: str, handover: Handover) -> None:
        """Let the alias come to `version`; one that is on its way there already is taken up.

        Raises `LambdaError` where CodeDeploy ends it otherwise. Where this is interrupted,
        CodeDeploy is told to stop, and moves the alias back.
        """
        spec = app_spec(
            function=self._function, alias=step.alias, old=step.old_version, new=version
        )
        deployment = self._deployment(handover, spec)
        try:
            self._see_through(handover, deployment)
        except KeyboardInterrupt:
            # Told afterwards: who listens keeps calls from being sent after an interrupt.
            handover.codedeploy.stop(deployment)
            self._tell(Answered(call="StopDeployment", text=f"stopping {deployment}"))
            raise

    def _deployment(self, handover: Handover, spec: str) -> str:
        """The id of the deployment of `spec` that is running, made where there is none."""
        codedeploy, group = handover.codedeploy, handover.group
        text = f"CreateDeployment ({group})"
        patience = self._patience(text)
        running = partial(codedeploy.running, group)
        while True:
            for one in self._patiently("ListDeployments", running):
                if one.spec == spec:
                    return one.id
                raise Stopped(
                    f"another deployment of the group is running: {one.id}",
                    hint="wait until it has ended, or stop it",
                )
            try:
                sending = Sending(call="CreateDeployment", text=text)
                return self._ask(sending, partial(codedeploy.create, group, spec), gave=str)
            except NotNow as error:
                patience.pause(error.message, error)

    def _see_through(self, handover: Handover, deployment: str) -> None:
        self._tell(Waiting(text=f"CodeDeploy has moved the alias: {deployment}"))
        now = self._look(handover, deployment)
        while now.status not in ENDED:
            self._clock.sleep(LOOK_SECONDS)
            now = self._look(handover, deployment)
        if now.status is not DeploymentStatus.SUCCEEDED:
            raise Stopped(
                f"CodeDeploy's deployment {deployment} has {now.status.lower()}: {now.reason}",
                hint="where the alias is now, its group's rollback says: `aws lambda get-alias`",
            )

    def _look(self, handover: Handover, deployment: str) -> Shift:
        return self._patiently("GetDeployment", partial(handover.codedeploy.get, deployment))
