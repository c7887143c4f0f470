"""The calls of a deployment as the API has them, for people: without the environment's values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from shim.arch import Arch
from shim.aws.codedeploy import app_spec
from shim.package.names import layer_name
from shim.plan.alias import AliasPlan, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.aws.codedeploy import Group
    from shim.deploy.beforehand import Outlook
    from shim.deploy.folder import Deployment
    from shim.package.read import Package
    from shim.plan.alias import AliasStep

HIDDEN = "***"
"""What stands where a value of the environment would."""

_REVISION = "the function's, as it is read before the call"
_VERSION = "the published version"


def calls_left(
    deployment: Deployment, outlook: Outlook, group: Group | None = None
) -> Iterator[dict[str, Any]]:
    """Each with its `call` and its `parameters`, in the order in which they would be sent.

    Where there is a deployment group of CodeDeploy's, it moves the alias.
    """
    plan, address = deployment.plan, deployment.target.address
    steps: tuple[AliasStep, ...] = deployment.latest.steps[outlook.index :]
    if isinstance(plan, AliasPlan):
        steps += tuple(step for step in plan.after if _is_left(step, outlook.share))
    arns = dict(outlook.arns)
    for layer in dict.fromkeys(one for state in deployment.latest.states for one in state.layers):
        if layer not in arns:
            name = layer_name(layer.path)
            arns[layer] = f"the ARN of the version of {name} that is published"
            parameters = {"LayerName": name, "Content": {"ZipFile": layer.path}}
            arches = {"CompatibleArchitectures": [*Arch]}
            yield {"call": "PublishLayerVersion", "parameters": parameters | arches}
    for step in steps:
        if group and isinstance(step, MoveAlias):
            yield {"call": "CreateDeployment", "parameters": _handed_over(group, step, address)}
            continue
        parameters = {"FunctionName": address, **_parameters(step, arns)}
        yield {"call": step.CALL, "parameters": parameters}


def _is_left(step: PublishVersion | InvokeVersion | MoveAlias, share: float) -> bool:
    """Where the new version has a share of the traffic, it was published and tried."""
    return step.share > share if isinstance(step, MoveAlias) else share == 0


def _handed_over(group: Group, step: MoveAlias, address: str) -> dict[str, Any]:
    spec = app_spec(function=address, alias=step.alias, old=step.old_version, new=_VERSION)
    return {
        "applicationName": group.application,
        "deploymentGroupName": group.name,
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": spec}},
    }


def _parameters(step: AliasStep, arns: Mapping[Package, str]) -> dict[str, Any]:
    match step:
        case UpdateCode():
            return {
                "ZipFile": step.package.path,
                "Architectures": [step.arch.value],
                "RevisionId": _REVISION,
            }
        case UpdateConfiguration():
            environment = step.environment
            fields = {
                "Runtime": step.runtime.name if step.runtime else None,
                "Handler": step.handler,
                "Layers": None if step.layers is None else [arns[one] for one in step.layers],
                "Environment": None
                if environment is None
                else {"Variables": {name: HIDDEN for name, _ in environment}},
            }
            given = {name: value for name, value in fields.items() if value is not None}
            return {**given, "RevisionId": _REVISION}
        case PublishVersion():
            return {"CodeSha256": step.code_sha256, "RevisionId": _REVISION}
        case InvokeVersion():
            return {"Qualifier": _VERSION}
        case MoveAlias():
            is_all = step.share == 1
            return {
                "Name": step.alias,
                "FunctionVersion": _VERSION if is_all else step.old_version,
                "RoutingConfig": {
                    "AdditionalVersionWeights": {} if is_all else {_VERSION: step.share}
                },
                "RevisionId": "the alias's, as it is read before the call",
            }
        case _:
            assert_never(step)
