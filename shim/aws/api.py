"""The calls of Lambda's API that a migration needs, in our own words.

Two make them: boto3 (`shim.aws.boto`), and the control plane in memory that `shim simulate` and
the tests use.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from shim.errors import ShimError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from shim.arch import Arch

LATEST = "$LATEST"
"""The qualifier of what the two update calls change; every other version is a snapshot of it."""

TIMEOUT = 900
"""Seconds that an invocation may take at most (Lambda quotas)."""


class UpdateStatus(StrEnum):
    """`LastUpdateStatus`, spelt as the API spells it."""

    SUCCESSFUL = "Successful"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """What `GetFunction` says of one version, as far as a migration asks."""

    version: str
    """`$LATEST`, or a number."""
    code_sha256: str
    """Of the package's zip, in base64."""
    arch: Arch
    runtime: str
    handler: str
    layers: tuple[str, ...] = ()
    """The ARNs of the layers' versions, in the function's order."""
    environment: tuple[tuple[str, str], ...] = ()
    """By name."""
    timeout: int = TIMEOUT
    """Seconds that an invocation may take."""
    revision: str
    is_active: bool = True
    """`State` is `Active`, or `Inactive`, which the next invocation ends; not `Pending`."""
    update: UpdateStatus = UpdateStatus.SUCCESSFUL
    failure: str = ""
    """Why `State` is `Failed`, so that it will never become active; empty where it isn't."""
    reason_code: str = ""
    reason: str = ""
    """`LastUpdateStatusReasonCode` and `LastUpdateStatusReason`: why an update failed."""
    role: str = ""
    dead_letters: str = ""
    """ARNs; the second empty where there is no dead-letter queue. No plan changes them, and two
    versions share an alias only where both have the same."""
    tags: tuple[tuple[str, str], ...] | None = ()
    """By name; of a version there are none. None where they may not be read (`lambda:ListTags`)."""

    @property
    def settings(self) -> tuple[object, ...]:
        """Code and configuration, for comparing two."""
        return (
            *(self.code_sha256, self.arch, self.runtime),
            *(self.handler, self.layers, tuple(sorted(self.environment))),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Zip:
    """A zip to upload, with its hash as Lambda shows it."""

    path: Path
    sha256: str
    """In base64."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What `UpdateFunctionConfiguration` carries; None leaves a field as it is."""

    runtime: str | None = None
    handler: str | None = None
    layers: tuple[str, ...] | None = None
    """ARNs of layers' versions; empty takes all layers away."""
    environment: tuple[tuple[str, str], ...] | None = None
    """All of it: what is not in it is taken away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alias:
    """A name for one version, or for two with a weight."""

    name: str
    version: str
    other_version: str | None = None
    other_weight: float = 0.0
    """The share of invocations, 0 to 1, that goes to `other_version`."""
    revision: str = ""


class ProvisionedStatus(StrEnum):
    """`Status` of provisioned concurrency, spelt as the API spells it."""

    READY = "READY"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Provisioned:
    """The concurrency that an alias has provisioned, for the version that it points to."""

    status: ProvisionedStatus
    reason: str = ""
    """Why it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoked:
    """What an invocation gave: `error_type` is None where the function answered."""

    error_type: str | None
    payload: bytes


class LambdaError(ShimError):
    """A call that the API did not carry out, or that may not have been."""


class NotNow(LambdaError):
    """The same call may be taken later; whether this one was, only the function itself says."""


class Conflict(NotNow):
    """An update is in progress, or the function isn't ready yet."""


class Throttled(NotNow):
    """More calls than the account may make."""

    def __init__(self, message: str, *, retry_after: float = 0.0, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after
        """Seconds that the API asks for; 0 where it says nothing."""


class RevisionMismatch(NotNow):
    """The function or alias is not as it was when it was read."""


class Unanswered(NotNow):
    """No answer came, or one without meaning (HTTP 5xx): it may have been carried out, or not."""


class Refused(LambdaError):
    """The same call would be refused again."""


class NotFound(LambdaError):
    """No such function, version, alias or layer."""


class Denied(LambdaError):
    """Who calls may not."""

    def __init__(self, message: str, *, action: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint or f"it takes the permission {action}")
        self.action = action
        """What IAM calls the call: `lambda:UpdateFunctionCode`."""


class LambdaApi(Protocol):
    """Each call answers, or raises one of these, and never tries twice: that is for who calls it.

    `NotNow` (`Conflict`, `Throttled`, `RevisionMismatch`, `Unanswered`): nothing is known of what
    became of the call, so the function is looked up before it is sent again. `Refused`, `NotFound`,
    `Denied`: it was not carried out, and won't be. `MachineError`, `InputError`: it was never sent.

    `function` is a function's name or ARN; `revision` is that of the `Function` or `Alias` which
    the change is for, and guards it.
    """

    def get_function(self, function: str, qualifier: str = LATEST) -> Function:
        """One version, by its number, an alias's name, or `$LATEST`; by `GetFunction`.

        That has a budget of its own in an account: looking often takes nothing from the updates.
        """

    def update_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> Function:
        """`UpdateFunctionCode`; both fields are always sent."""

    def try_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> None:
        """The same as a dry run (`DryRun`): it raises what the call would, and changes nothing."""

    def update_configuration(
        self, function: str, change: Configuration, *, revision: str
    ) -> Function:
        """`UpdateFunctionConfiguration`, with the fields that are not None."""

    def find_layer(self, name: str, layer: Zip) -> str | None:
        """The ARN of the newest of the layer's versions with these very bytes, if there is one."""

    def publish_layer(self, name: str, layer: Zip, *, architectures: Collection[Arch]) -> str:
        """The ARN of a new version of the layer."""

    def publish_version(self, function: str, *, code_sha256: str, revision: str) -> Function:
        """A snapshot of `$LATEST`; the newest version where nothing has changed since then."""

    def invoke(
        self, function: str, event: bytes, *, qualifier: str = LATEST, timeout: float = TIMEOUT
    ) -> Invoked:
        """One invocation, waited for as long as the function's own `timeout` has it run.

        An error of the function's is an answer too.
        """

    def get_alias(self, function: str, alias: str) -> Alias:
        """Where an alias points to."""

    def update_alias(self, function: str, alias: Alias) -> Alias:
        """Move it; `alias.revision` guards, and a weight of 0 takes the other version away."""

    def get_provisioned(self, function: str, alias: str) -> Provisioned | None:
        """The alias's provisioned concurrency, by `GetProvisionedConcurrencyConfig`; or None."""
