"""Who may call what: policies that moto's IAM holds, against what each request asks for.

What an operation asks for is AWS's own Service Authorization Reference, which policy_sentry has as
data, and two sentences of Lambda's documentation that aren't in it. An account's number as access
key, and a key or role that IAM doesn't know, may do all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core.routing import get_service_router
from moto.iam.access_control import CreateAccessKeyFailure, IAMPolicy, create_access_key
from moto.iam.exceptions import NotFoundException
from policy_sentry.querying.actions import get_action_data

from tests.aws.wire import services

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from moto.core.request import Request

    from tests.aws.wire.account import Account
    from tests.aws.wire.model import Call

    Asked = tuple[str, str]
    """An action, and the ARN that it is on."""

UNKNOWN = ""
"""A resource that isn't looked at: any will do."""

_MODELS = {"monitoring": "cloudwatch", "states": "stepfunctions"}
"""botocore's name of a service, where requests are signed by another."""

_PREFIXES = {"monitoring": "cloudwatch"}
"""IAM's name of a service, where requests are signed by another."""

_ACTIONS = {
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadObject": "s3:GetObject",
    "s3:UploadPart": "s3:PutObject",
}
"""IAM's name of an action, where it isn't the operation's (Lambda developer guide, "Resources and
conditions"; S3 user guide, "Required permissions for API operations")."""


_ALSO = {
    "codedeploy:CreateDeployment": (
        "codedeploy:GetApplicationRevision",
        "codedeploy:GetDeploymentConfig",
        "codedeploy:RegisterApplicationRevision",
    )
}
"""What an action asks for besides itself ("CodeDeploy permissions reference")."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Denial:
    """What somebody may not."""

    who: str
    action: str
    resource: str

    def __str__(self) -> str:
        return (
            f"User: {self.who} is not authorized to perform: {self.action} on resource:"
            f" {self.resource} because no identity-based policy allows the {self.action} action"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Whose policies decide."""

    arn: str
    policies: tuple[Mapping[str, Any], ...]

    def denial(self, action: str, resource: str) -> Denial | None:
        """None where the policies allow it, and none of them denies it."""
        effects = {
            statement["Effect"]
            for policy in self.policies
            for statement in _listed(policy["Statement"])
            if _is_about(statement, action, resource)
        }
        if effects == {"Allow"}:
            return None
        return Denial(who=self.arn, action=action, resource=resource)


def principal_of(account: str, access_key: str, token: str | None) -> Principal | None:
    """Whose key it is; None for who may do all."""
    headers = {"X-Amz-Security-Token": token} if token else {}
    try:
        key = create_access_key(account, "aws", access_key, headers)
        documents = [IAMPolicy(one)._policy_json for one in key.collect_policies()]
    except (CreateAccessKeyFailure, NotFoundException):
        return None
    return Principal(arn=key.arn, policies=tuple(documents))


def asked_by_call(call: Call, account: Account) -> Iterator[Asked]:
    """What a call of Lambda's API asks for."""
    given = call.parameters
    name = _ACTIONS.get(f"lambda:{call.name}", f"lambda:{call.name}")
    yield name, _lambda_resource(name, given, account)
    # "Adding layers to functions": who gives a function a layer has to be able to read it.
    for arn in given.get("Layers", ()):
        yield "lambda:GetLayerVersion", arn
    # "UpdateFunctionCode": the package is read from S3 in the name of who calls.
    place = given.get("Content", given)
    if "S3Bucket" in place:
        action = "s3:GetObjectVersion" if "S3ObjectVersion" in place else "s3:GetObject"
        yield action, f"arn:aws:s3:::{place['S3Bucket']}/{place['S3Key']}"


def model_name(service: str) -> str:
    """botocore's name of a service whose requests are signed by that one."""
    return _MODELS.get(service, service)


def asked_by_request(service: str, request: Request, account: str) -> Iterator[Asked]:
    """What a request for another service asks for; of S3 alone the resource is known."""
    operation, where = get_service_router(model_name(service)).match(request)
    action = f"{_PREFIXES.get(service, service)}:{operation.name}"
    action = _ACTIONS.get(action, action)
    if service != "s3":
        for one in (action, *_ALSO.get(action, ())):
            yield one, UNKNOWN
        return
    if action == "s3:GetObject" and "versionId" in request.args:
        action = "s3:GetObjectVersion"
    yield action, "arn:aws:s3:::" + "/".join(where.values())
    # "GetObject": that an object isn't there is said to who may list them, nobody else.
    if operation.name in {"GetObject", "HeadObject"} and not services.has_object(account, **where):
        yield "s3:ListBucket", f"arn:aws:s3:::{where['Bucket']}"


def _lambda_resource(action: str, given: Mapping[str, Any], account: Account) -> str:
    formats = " ".join(_formats(action))
    if ":function:" in formats:
        name, qualifier = account.split(given.get("FunctionName") or given["Resource"])
        qualifier = given.get("Qualifier") or qualifier
        return account.arn("function", f"{name}:{qualifier}" if qualifier else name)
    if ":layer:" not in formats:
        return "*"
    if "Arn" in given:
        return str(given["Arn"])
    name = given["LayerName"].rpartition(":")[2]
    is_version = "${LayerVersion}" in formats
    return account.arn("layer", f"{name}:{given['VersionNumber']}" if is_version else name)


@cache
def _formats(action: str) -> tuple[str, ...]:
    """The ARNs that an action can be on."""
    service, _, name = action.partition(":")
    return tuple(one["resource_arn_format"] for one in get_action_data(service, name)[service])


def _is_about(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    assert statement.keys() <= {"Sid", "Effect", "Action", "Resource"}, "no conditions are known"
    actions, resources = _listed(statement["Action"]), _listed(statement["Resource"])
    is_on = resource == UNKNOWN or any(_matches(one, resource) for one in resources)
    return is_on and any(_matches(one.lower(), action.lower()) for one in actions)


def _matches(pattern: str, text: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
