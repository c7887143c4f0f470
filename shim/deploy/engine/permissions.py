"""What the state machine's role may, and who takes it; and what `shim` takes to start it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shim.aws.permissions import Resource, policy
from shim.deploy.permissions import asked
from shim.plan.alias import InvokeVersion, MoveAlias, PublishVersion
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shim.aws.permissions import Place
    from shim.deploy.folder import Deployment

ROLE_LIMIT = 10_240
"""Characters of the policies in a role, white space aside (IAM user guide, "IAM and AWS STS
quotas"): with more functions than their names fit into it, it is for all of the account."""

_UPDATES = {UpdateCode.CALL, UpdateConfiguration.CALL}
_MOVES = {PublishVersion.CALL, InvokeVersion.CALL, MoveAlias.CALL}
_ALIASES = {"GetAlias", "GetProvisionedConcurrencyConfig"}
"""What is asked for where traffic is on an alias."""

_STARTS = {
    *("CreateStateMachine", "DescribeStateMachine", "StartExecution"),
    *("DescribeExecution", "ListMapRuns", "DescribeMapRun"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where an engine is."""

    place: Place
    """With its account's number."""
    bucket: str
    prefix: str
    """Of all keys, with a slash at its end."""
    machine: str
    """The state machine's name."""
    role: str
    """Its ARN."""

    def objects(self, key: str) -> Mapping[Resource, Iterable[str]]:
        """Those below the prefix with such keys."""
        return {Resource.OBJECT: [self.place.arn(Resource.OBJECT, self.bucket, self.prefix + key)]}

    @property
    def machines(self) -> Mapping[Resource, Iterable[str]]:
        """The state machine, what it has started, and its role."""
        arn = self.place.arn
        return {
            Resource.STATE_MACHINE: [arn(Resource.STATE_MACHINE, self.machine)],
            Resource.EXECUTION: [arn(Resource.EXECUTION, self.machine, "*")],
            Resource.MAP_RUN: [arn(Resource.MAP_RUN, self.machine, "*")],
            Resource.ROLE: [self.role],
        }


def trust_policy(site: Site) -> dict[str, Any]:
    """Who may take the role: Step Functions, for this account alone."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": site.place.account}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def role_policy(deployments: Sequence[Deployment], site: Site) -> dict[str, Any]:
    """What the state machine does, for these deployments."""
    calls, arns = asked(deployments, lambda _: site.place)
    document = _role_policy(calls, arns, site)
    if len(json.dumps(document, separators=(",", ":"))) > ROLE_LIMIT:
        anywhere = {
            Resource.FUNCTION: site.place.function("*"),
            Resource.QUALIFIED: [site.place.arn(Resource.QUALIFIED)],
        }
        return _role_policy(calls, {**arns, **anywhere}, site)
    return document


def caller_policy(deployments: Iterable[Deployment], site: Site) -> dict[str, Any]:
    """What `shim` does to start it: of calls of Lambda's it tries code as a dry run alone."""
    calls, arns = asked(deployments, lambda _: site.place)
    return _joined(
        policy(calls - {UpdateConfiguration.CALL, *_MOVES}, arns),
        policy(
            {"GetBucketVersioning", "GetPublicAccessBlock", "GetObject"},
            {Resource.BUCKET: [site.place.arn(Resource.BUCKET, site.bucket)]},
        ),
        policy({"HeadObject", "PutObject"}, site.objects("zips/*")),
        policy({"PutObject"}, site.objects("*/plans.json")),
        policy({"GetObject"}, site.objects("*/results-*")),
        policy(_STARTS, site.machines),
    )


def _role_policy(
    calls: set[str], arns: Mapping[Resource, Iterable[str]], site: Site
) -> dict[str, Any]:
    called = {"GetFunction", *_UPDATES} | (calls & (_MOVES | _ALIASES))
    return _joined(
        policy(called, arns),
        policy({"UpdateFunctionCode, S3ObjectVersion"}, site.objects("zips/*")),
        policy({"GetObject"}, site.objects("*/plans.json")),
        policy({"PutObject"}, site.objects("*/results-*")),
        # A Distributed Map starts its children as executions of its own machine.
        policy({"StartExecution", "DescribeExecution", "StopExecution"}, site.machines),
    )


def _joined(*policies: Mapping[str, Any]) -> dict[str, Any]:
    statements = [statement for one in policies for statement in one["Statement"]]
    return {"Version": "2012-10-17", "Statement": statements}
