"""Which calls a deployment makes, and on what: for the least policy with which it can."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from shim.aws.permissions import Resource
from shim.package.names import layer_name
from shim.plan.alias import AliasPlan, MoveAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shim.aws.codedeploy import Group
    from shim.aws.permissions import Place
    from shim.deploy.folder import Deployment
    from shim.plan.target import Target

    Asked = tuple[set[str], Mapping[Resource, Iterable[str]]]
    """Operations, and ARNs by kind: what `shim.aws.permissions.policy` takes."""

READING = {"GetFunction", "ListTags"}
"""What is asked in any case."""

_LAYERS = {"ListLayerVersions", "GetLayerVersionByArn", "PublishLayerVersion"}
"""To find a layer by its bytes, or else publish it."""

_UPLOAD = {
    *("GetBucketVersioning", "GetPublicAccessBlock", "HeadObject", "PutObject"),
    "UpdateFunctionCode, S3ObjectVersion",
}

_CODEDEPLOY = {
    *("CreateDeployment", "GetDeployment", "GetDeploymentGroup"),
    *("ListDeployments", "StopDeployment"),
}


def asked(
    deployments: Iterable[Deployment], place_of: Callable[[Target], Place], *, is_back: bool = False
) -> Asked:
    """For these deployments, or for their way back."""
    calls, arns = set(READING), defaultdict[Resource, set[str]](set)
    for one in deployments:
        place = place_of(one.target)
        arns[Resource.FUNCTION] |= {*place.function(one.target.name)}
        calls |= {step.CALL for step in one.latest.steps}
        if isinstance(one.plan, AliasPlan):
            after = {MoveAlias.CALL} if is_back else {step.CALL for step in one.plan.after}
            calls |= after | {"GetAlias"}
            for step in one.plan.way_back if not is_back else ():
                calls.add("GetProvisionedConcurrencyConfig")
                name = one.target.name
                arns[Resource.QUALIFIED].add(place.arn(Resource.QUALIFIED, name, step.alias))
        for layer in (layer for state in one.latest.states for layer in state.layers):
            if layer in one.arns:
                arns[Resource.LAYER_VERSION].add(one.arns[layer])
                continue
            name = layer_name(layer.path)
            calls |= _LAYERS
            arns[Resource.LAYER].add(place.arn(Resource.LAYER, name))
            arns[Resource.LAYER_VERSION].add(place.arn(Resource.LAYER_VERSION, name))
    return calls, arns


def asked_by_bucket(place: Place, bucket: str) -> Asked:
    """For zips that go over S3."""
    arns = {
        Resource.BUCKET: {place.arn(Resource.BUCKET, bucket)},
        Resource.OBJECT: {place.arn(Resource.OBJECT, bucket, "shim/*")},
    }
    return set(_UPLOAD), arns


def asked_by_transition(place: Place, *, alarms: Iterable[str], group: Group | None) -> Asked:
    """For what watches, or moves, an alias's traffic."""
    calls, arns = set[str](), defaultdict[Resource, set[str]](set)
    for name in alarms:
        calls.add("DescribeAlarms")
        arns[Resource.ALARM].add(place.arn(Resource.ALARM, name))
    if group:
        calls |= _CODEDEPLOY
        arns[Resource.GROUP].add(place.arn(Resource.GROUP, str(group)))
        arns[Resource.APPLICATION].add(place.arn(Resource.APPLICATION, group.application))
        configuration = place.arn(Resource.DEPLOYMENT_CONFIGURATION, "*")
        arns[Resource.DEPLOYMENT_CONFIGURATION].add(configuration)
    return calls, arns
