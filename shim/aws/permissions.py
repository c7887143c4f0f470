"""What each call takes of permissions, and the least IAM policy for a run.

Actions and the kinds of their resources are those of AWS's Service Authorization Reference, which a
test holds this to. An account's number that isn't known is `*`: a policy of users or roles grants
nothing in other accounts by itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Resource(StrEnum):
    """What an action is on: its ARN, after the partition."""

    ANY = "*"
    FUNCTION = "lambda:{region}:{account}:function:{name}"
    QUALIFIED = "lambda:{region}:{account}:function:{name}:{version}"
    """A version or an alias."""
    LAYER = "lambda:{region}:{account}:layer:{name}"
    LAYER_VERSION = "lambda:{region}:{account}:layer:{name}:{version}"
    BUCKET = "s3:::{name}"
    OBJECT = "s3:::{name}/{version}"
    ALARM = "cloudwatch:{region}:{account}:alarm:{name}"
    GROUP = "codedeploy:{region}:{account}:deploymentgroup:{name}"
    """`APPLICATION/GROUP`."""
    APPLICATION = "codedeploy:{region}:{account}:application:{name}"
    DEPLOYMENT_CONFIGURATION = "codedeploy:{region}:{account}:deploymentconfig:{name}"
    STATE_MACHINE = "states:{region}:{account}:stateMachine:{name}"
    EXECUTION = "states:{region}:{account}:execution:{name}:{version}"
    MAP_RUN = "states:{region}:{account}:mapRun:{name}/{version}"
    ROLE = "iam::{account}:role/{name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """One action on one kind of resource."""

    action: str
    resource: Resource


def _on(resource: Resource, *actions: str) -> tuple[Permission, ...]:
    return tuple(Permission(action=action, resource=resource) for action in actions)


_READ_LAYER = _on(Resource.LAYER_VERSION, "lambda:GetLayerVersion")

PERMISSIONS: Mapping[str, tuple[Permission, ...]] = {
    "GetAlias": _on(Resource.FUNCTION, "lambda:GetAlias"),
    "GetFunction": _on(Resource.FUNCTION, "lambda:GetFunction"),
    "GetLayerVersionByArn": _READ_LAYER,
    "GetPolicy": _on(Resource.FUNCTION, "lambda:GetPolicy"),
    "GetProvisionedConcurrencyConfig": _on(
        Resource.QUALIFIED, "lambda:GetProvisionedConcurrencyConfig"
    ),
    "Invoke": _on(Resource.FUNCTION, "lambda:InvokeFunction"),
    "ListAliases": _on(Resource.FUNCTION, "lambda:ListAliases"),
    "ListEventSourceMappings": _on(Resource.ANY, "lambda:ListEventSourceMappings"),
    "ListFunctionUrlConfigs": _on(Resource.FUNCTION, "lambda:ListFunctionUrlConfigs"),
    "ListFunctions": _on(Resource.ANY, "lambda:ListFunctions"),
    "ListLayerVersions": _on(Resource.ANY, "lambda:ListLayerVersions"),
    # What `GetFunction` asks of who wants the tags in its answer (Lambda API reference).
    "ListTags": _on(Resource.FUNCTION, "lambda:ListTags"),
    "PublishLayerVersion": _on(Resource.LAYER, "lambda:PublishLayerVersion"),
    "PublishVersion": _on(Resource.FUNCTION, "lambda:PublishVersion"),
    "UpdateAlias": _on(Resource.FUNCTION, "lambda:UpdateAlias"),
    "UpdateFunctionCode": _on(Resource.FUNCTION, "lambda:UpdateFunctionCode"),
    # Who gives a function layers must be able to read them (Lambda developer guide, "Adding
    # layers to functions").
    "UpdateFunctionConfiguration": (
        *_on(Resource.FUNCTION, "lambda:UpdateFunctionConfiguration"),
        *_READ_LAYER,
    ),
    "DescribeAlarms": _on(Resource.ALARM, "cloudwatch:DescribeAlarms"),
    # The other three are asked of whoever creates one ("CodeDeploy permissions reference").
    "CreateDeployment": (
        *_on(Resource.GROUP, "codedeploy:CreateDeployment"),
        *_on(Resource.DEPLOYMENT_CONFIGURATION, "codedeploy:GetDeploymentConfig"),
        *_on(
            Resource.APPLICATION,
            "codedeploy:GetApplicationRevision",
            "codedeploy:RegisterApplicationRevision",
        ),
    ),
    "GetDeployment": _on(Resource.GROUP, "codedeploy:GetDeployment"),
    "GetDeploymentGroup": _on(Resource.GROUP, "codedeploy:GetDeploymentGroup"),
    "ListDeployments": _on(Resource.GROUP, "codedeploy:ListDeployments"),
    "StopDeployment": _on(Resource.ANY, "codedeploy:StopDeployment"),
    "GetBucketVersioning": _on(Resource.BUCKET, "s3:GetBucketVersioning"),
    # That an object isn't there is said to who may list them; others may not read it (S3 API
    # reference, GetObject and HeadObject).
    "GetObject": (*_on(Resource.OBJECT, "s3:GetObject"), *_on(Resource.BUCKET, "s3:ListBucket")),
    "GetPublicAccessBlock": _on(Resource.BUCKET, "s3:GetBucketPublicAccessBlock"),
    "HeadObject": (*_on(Resource.OBJECT, "s3:GetObject"), *_on(Resource.BUCKET, "s3:ListBucket")),
    "PutObject": _on(Resource.OBJECT, "s3:PutObject"),
    # Lambda reads what a code call names in the name of who calls.
    "UpdateFunctionCode, S3ObjectVersion": _on(Resource.OBJECT, "s3:GetObjectVersion"),
    "CreateStateMachine": (
        *_on(Resource.STATE_MACHINE, "states:CreateStateMachine"),
        *_on(Resource.ROLE, "iam:PassRole"),
    ),
    "DescribeExecution": _on(Resource.EXECUTION, "states:DescribeExecution"),
    "DescribeMapRun": _on(Resource.MAP_RUN, "states:DescribeMapRun"),
    "DescribeStateMachine": _on(Resource.STATE_MACHINE, "states:DescribeStateMachine"),
    "ListMapRuns": _on(Resource.EXECUTION, "states:ListMapRuns"),
    "StartExecution": _on(Resource.STATE_MACHINE, "states:StartExecution"),
    "StopExecution": _on(Resource.EXECUTION, "states:StopExecution"),
    "UpdateStateMachine": (
        *_on(Resource.STATE_MACHINE, "states:UpdateStateMachine"),
        *_on(Resource.ROLE, "iam:PassRole"),
    ),
}
"""By the operation's name in the API, and the parameter that takes more."""


def action_of(operation: str, *, service: str = "lambda") -> str:
    """What IAM calls an operation of the API."""
    known = PERMISSIONS.get(operation)
    return known[0].action if known else f"{service}:{operation}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a run's resources are."""

    partition: str = "aws"
    region: str = "*"
    account: str = "*"

    def arn(self, resource: Resource, name: str = "*", version: str = "*") -> str:
        """Of a resource there; `version` is what stands behind its name, if anything does."""
        if resource is Resource.ANY:
            return "*"
        rest = resource.format(region=self.region, account=self.account, name=name, version=version)
        return f"arn:{self.partition}:{rest}"

    def function(self, name: str) -> tuple[str, str]:
        """A function, and all its versions and aliases: to IAM they are other resources."""
        arn = self.arn(Resource.FUNCTION, name)
        return arn, f"{arn}:*"


def policy(calls: Iterable[str], resources: Mapping[Resource, Iterable[str]]) -> dict[str, Any]:
    """The least policy for these operations on these ARNs, of each kind that they ask for."""
    actions: dict[Resource, set[str]] = defaultdict(set)
    for call in calls:
        for permission in PERMISSIONS[call]:
            actions[permission.resource].add(permission.action)
    known = {Resource.ANY: ("*",), **resources}
    return _document(
        {
            "Effect": "Allow",
            "Action": sorted(actions[kind]),
            "Resource": sorted({*known[kind]}),
        }
        for kind in Resource
        if kind in actions and kind in known
    )


def consumers_policy(aliases: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """For who invokes functions, each an ARN and an alias: by that, and never what is changed.

    A function's own ARN is `$LATEST` without a name: whoever may call it meets every update.
    """
    named = [*aliases]
    latest = [one for arn, _ in named for one in (arn, f"{arn}:$LATEST")]
    invoke = ["lambda:InvokeFunction"]
    allowed = [f"{arn}:{alias}" for arn, alias in named]
    return _document(
        (
            {"Sid": "ByAlias", "Effect": "Allow", "Action": invoke, "Resource": allowed},
            {"Sid": "NotLatest", "Effect": "Deny", "Action": invoke, "Resource": latest},
        )
    )


def _document(statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}
