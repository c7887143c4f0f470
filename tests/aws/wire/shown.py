"""How Lambda's API shows what an account has: the values of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shim.aws.api import LATEST, Alias, ProvisionedStatus, UpdateStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shim.aws import api
    from shim.aws.api import Provisioned
    from tests.aws.wire.account import Account, Function, LayerVersion

_MADE = "2026-01-01T00:00:00.000+0000"
_ROLE = "arn:aws:iam::{}:role/function"


def configuration(
    account: Account, name: str, function: Function, now: api.Function, *, qualifier: str = LATEST
) -> dict[str, Any]:
    """A function's version, as every operation shows it."""
    arn = account.arn("function", name)
    answer: dict[str, Any] = {
        "FunctionName": name,
        "FunctionArn": arn if qualifier == LATEST else f"{arn}:{qualifier}",
        "Runtime": now.runtime,
        "Role": now.role or _ROLE.format(account.number),
        "Handler": now.handler,
        "CodeSize": account.size_of(now.code_sha256),
        "Description": "",
        "Timeout": now.timeout,
        "MemorySize": 128,
        "LastModified": _MADE,
        "CodeSha256": now.code_sha256,
        "Version": now.version,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": now.revision,
        "State": _state(now),
        "LastUpdateStatus": now.update.value,
        "PackageType": "Zip",
        "Architectures": [now.arch.value],
        "EphemeralStorage": {"Size": 512},
    }
    if now.environment:
        answer["Environment"] = {"Variables": dict(now.environment)}
    if now.layers:
        answer["Layers"] = [
            {"Arn": arn, "CodeSize": account.size_of_layer(arn)} for arn in now.layers
        ]
    if now.failure:
        answer["StateReason"] = now.failure
    if now.dead_letters:
        answer["DeadLetterConfig"] = {"TargetArn": now.dead_letters}
    if now.update is not UpdateStatus.SUCCESSFUL and now.reason_code:
        answer["LastUpdateStatusReason"] = now.reason
        answer["LastUpdateStatusReasonCode"] = now.reason_code
    return answer | function.more


def alias_of(account: Account, name: str, alias: Alias) -> dict[str, Any]:
    """An alias."""
    answer: dict[str, Any] = {
        "AliasArn": f"{account.arn('function', name)}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": "",
        "RevisionId": alias.revision,
    }
    if alias.other_version:
        weights = {alias.other_version: alias.other_weight}
        answer["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    return answer


def url_of(account: Account, name: str, function: Function, *, qualifier: str) -> dict[str, Any]:
    """A URL of a function or of an alias."""
    arn = account.arn("function", name)
    return {
        "FunctionUrl": function.urls[qualifier],
        "FunctionArn": arn if qualifier == LATEST else f"{arn}:{qualifier}",
        "AuthType": "AWS_IAM",
        "CreationTime": _MADE,
        "LastModifiedTime": _MADE,
    }


def layer_version(version: LayerVersion) -> dict[str, Any]:
    """A layer's version, without its content."""
    return {
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "CreatedDate": _MADE,
        "CompatibleArchitectures": list(version.architectures),
    }


def provisioned(config: Provisioned) -> dict[str, Any]:
    """Provisioned concurrency of an alias."""
    ready = int(config.status is ProvisionedStatus.READY)
    answer = {
        "RequestedProvisionedConcurrentExecutions": 1,
        "AvailableProvisionedConcurrentExecutions": ready,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "Status": config.status.value,
        "LastModified": _MADE,
    }
    return answer | ({"StatusReason": config.reason} if config.reason else {})


def page(name: str, items: Sequence[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """So many of the items as were asked for, 50 at most, and where the next ones begin."""
    first = int(given.get("Marker", "0"))
    end = first + min(given.get("MaxItems", 50), 50)
    answer: dict[str, Any] = {name: list(items[first:end])}
    return answer | ({"NextMarker": str(end)} if end < len(items) else {})


def _state(now: api.Function) -> str:
    if now.failure:
        return "Failed"
    return "Active" if now.is_active else "Pending"
