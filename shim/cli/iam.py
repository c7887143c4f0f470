"""`--iam`: what a command line takes of permissions, printed instead of being carried out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from shim.aws.permissions import Resource, consumers_policy, policy
from shim.cli.connecting import open_connection
from shim.deploy.permissions import asked, asked_by_bucket, asked_by_transition
from shim.document import encode
from shim.errors import ExitCode, InputError
from shim.plan.alias import AliasPlan
from shim.plan.target import named_target

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from shim.aws.permissions import Place
    from shim.deploy.folder import DeploymentFolder
    from shim.plan.target import Target


def print_policy(document: Mapping[str, Any]) -> ExitCode:
    """As IAM takes it."""
    print(encode(document))
    return ExitCode.OK


def print_reading_policy(arguments: argparse.Namespace) -> ExitCode:
    """For a command that reads the function that `options.add_account` says, and its alias.

    Which layers it has isn't known before it has been read: it may be any of the region.
    """
    if not arguments.function:
        raise InputError("--iam is for what is read from an account: `--function NAME`")
    target = named_target(arguments.function)
    place = place_of(target, arguments)
    alias = ["GetAlias"] if arguments.alias else []
    resources = {
        Resource.FUNCTION: place.function(target.name),
        Resource.LAYER_VERSION: [replace(place, account="*").arn(Resource.LAYER_VERSION, "*")],
    }
    return print_policy(policy(["GetFunction", "GetLayerVersionByArn", *alias], resources))


def print_deploying_policy(
    folders: Iterable[DeploymentFolder], arguments: argparse.Namespace, *, is_back: bool = False
) -> ExitCode:
    """For what is in these deployment folders, or for the way back."""
    place = partial(place_of, arguments=arguments)
    deployments = [folder.read() for folder in folders]
    calls, arns = asked(deployments, place, is_back=is_back)
    if getattr(arguments, "function", None):
        calls |= {"GetLayerVersionByArn"}  # the plan is made of what the account has
    where = place(deployments[0].target)
    besides = []
    if arguments.s3_bucket:
        besides.append(asked_by_bucket(where, arguments.s3_bucket))
    if not is_back:
        alarms, group = arguments.alarms, arguments.codedeploy
        besides.append(asked_by_transition(where, alarms=alarms, group=group))
    for more_calls, more_arns in besides:
        calls, arns = calls | more_calls, {**arns, **more_arns}
    return print_policy(policy(calls, arns))


def print_consumers_policy(
    folders: Iterable[DeploymentFolder], arguments: argparse.Namespace
) -> ExitCode:
    """For who invokes what is deployed: by the alias that each plan moves."""
    aliases = []
    for one in (folder.read() for folder in folders):
        moves = one.plan.way_back if isinstance(one.plan, AliasPlan) else ()
        if not moves:
            raise InputError(
                f"no alias is moved, so callers can't be held to one: {one.target.name}",
                hint="put the traffic on an alias, and deploy with `--alias NAME`",
            )
        arn, _ = place_of(one.target, arguments).function(one.target.name)
        aliases.append((arn, moves[0].alias))
    return print_policy(consumers_policy(aliases))


def place_of(target: Target, arguments: argparse.Namespace) -> Place:
    """Where a function is: its ARN says it, or `options.add_connection`."""
    place = open_connection(arguments).place
    if not target.arn:
        return place
    partition = target.arn.split(":")[1]
    return replace(place, partition=partition, region=target.region, account=target.account)
