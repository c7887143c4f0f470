"""CodeDeploy, as far as it moves a Lambda alias from one version to another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from shim.aws.outcome import calling
from shim.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

LAMBDA = "Lambda"
"""The compute platform of the groups that move aliases."""


class DeploymentStatus(StrEnum):
    """`status`, spelt as the API spells it."""

    CREATED = "Created"
    QUEUED = "Queued"
    IN_PROGRESS = "InProgress"
    BAKING = "Baking"
    READY = "Ready"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"


ENDED = (DeploymentStatus.SUCCEEDED, DeploymentStatus.FAILED, DeploymentStatus.STOPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A deployment group, of an application."""

    application: str
    name: str

    def __str__(self) -> str:
        return f"{self.application}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """One deployment of CodeDeploy's."""

    id: str
    status: DeploymentStatus
    spec: str = ""
    """The AppSpec that it was made with; empty where that is not in the answer."""
    reason: str = ""
    """Why it failed or was stopped."""


class CodeDeploy(Protocol):
    """Raises as `shim.aws.api.LambdaApi` does."""

    def platform(self, group: Group) -> str:
        """What the group deploys to: `Lambda`, `ECS`, `Server`."""

    def create(self, group: Group, spec: str) -> str:
        """The id of a new deployment."""

    def running(self, group: Group) -> tuple[Shift, ...]:
        """The group's deployments that have not ended."""

    def get(self, deployment: str) -> Shift:
        """One deployment."""

    def stop(self, deployment: str) -> None:
        """End it, and let CodeDeploy move the alias back."""


def app_spec(*, function: str, alias: str, old: str, new: str) -> str:
    """The AppSpec that moves an alias (CodeDeploy User Guide, "AppSpec 'resources' section").

    `function` is a name or an ARN; CodeDeploy takes the name alone.
    """
    function = function.rpartition(":function:")[2]
    properties = {"Name": function, "Alias": alias, "CurrentVersion": old, "TargetVersion": new}
    resource = {function: {"Type": "AWS::Lambda::Function", "Properties": properties}}
    return json.dumps({"version": 0.0, "Resources": [resource]}, sort_keys=True)


class BotoCodeDeploy:
    """See `CodeDeploy`; `client` is boto3's for `codedeploy`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def platform(self, group: Group) -> str:
        """See `CodeDeploy`."""
        with _calling("GetDeploymentGroup"):
            answer = self._client.get_deployment_group(**_named(group))
        about = Field(value=answer)["deploymentGroupInfo"]
        return about["computePlatform"].text() if about.has("computePlatform") else "Server"

    def create(self, group: Group, spec: str) -> str:
        """See `CodeDeploy`."""
        content = {"content": spec, "sha256": sha256(spec.encode()).hexdigest()}
        with _calling("CreateDeployment"):
            answer = self._client.create_deployment(
                **_named(group),
                revision={"revisionType": "AppSpecContent", "appSpecContent": content},
                description="made by shim",
            )
        return Field(value=answer)["deploymentId"].text()

    def running(self, group: Group) -> tuple[Shift, ...]:
        """See `CodeDeploy`."""
        return tuple(self.get(one) for one in self._running(group))

    def get(self, deployment: str) -> Shift:
        """See `CodeDeploy`."""
        with _calling("GetDeployment"):
            answer = self._client.get_deployment(deploymentId=deployment)
        about = Field(value=answer)["deploymentInfo"]
        return Shift(
            id=deployment,
            status=about["status"].one_of(DeploymentStatus),
            spec=_spec(about),
            reason=_reason(about),
        )

    def stop(self, deployment: str) -> None:
        """See `CodeDeploy`."""
        with _calling("StopDeployment"):
            self._client.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)

    def _running(self, group: Group) -> Iterator[str]:
        statuses = [one.value for one in DeploymentStatus if one not in ENDED]
        page: dict[str, Any] = {}
        while True:
            with _calling("ListDeployments"):
                answer = self._client.list_deployments(
                    **_named(group), includeOnlyStatuses=statuses, **page
                )
            found = Field(value=answer)
            yield from (one.text() for one in found["deployments"].items())
            if not found.has("nextToken"):
                return
            page = {"nextToken": found["nextToken"].text()}


def _calling(operation: str) -> AbstractContextManager[None]:
    return calling(operation, service="codedeploy")


def _named(group: Group) -> dict[str, str]:
    return {"applicationName": group.application, "deploymentGroupName": group.name}


def _spec(about: Field) -> str:
    """As `appSpecContent`, or as `string`, which CodeDeploy had before."""
    revision = about["revision"] if about.has("revision") else Field(value={})
    for kind in ("appSpecContent", "string"):
        if revision.has(kind) and revision[kind].has("content"):
            return revision[kind]["content"].text()
    return ""


def _reason(about: Field) -> str:
    if not about.has("errorInformation"):
        return ""
    error = about["errorInformation"]
    said = [error[name].text() for name in ("code", "message") if error.has(name)]
    return ": ".join(said)
