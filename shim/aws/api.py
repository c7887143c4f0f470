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


class UpdateStatus(StrEnum):
    """`LastUpdateStatus`, spelt as the API spells it."""

    SUCCESSFUL = "Successful"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """What `GetFunctionConfiguration` says of one version, as far as a migration asks."""

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
    revision: str
    is_active: bool = True
    """`State` is `Active`, or `Inactive`, which the next invocation ends; not `Pending`."""
    update: UpdateStatus = UpdateStatus.SUCCESSFUL
    reason_code: str = ""
    reason: str = ""
    """`LastUpdateStatusReasonCode` and `LastUpdateStatusReason`: why an update failed."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoked:
    """What an invocation gave: `error_type` is None where the function answered."""

    error_type: str | None
    payload: bytes


class LambdaError(ShimError):
    """A call that the API did not carry out."""


class Conflict(LambdaError):
    """`ResourceConflictException`: an update is in progress, so try again later."""


class Throttled(LambdaError):
    """`TooManyRequestsException`, or the service has a trouble of its own: try again later."""


class RevisionMismatch(LambdaError):
    """`PreconditionFailedException`: the function is not as it was when it was read."""


class Refused(LambdaError):
    """`InvalidParameterValueException` and the like: the same call would be refused again."""


class NotFound(LambdaError):
    """`ResourceNotFoundException`: no such function, version, alias or layer."""


class LambdaApi(Protocol):
    """Each call raises `LambdaError`, and doesn't try twice: that is for who calls it.

    `function` is a function's name or ARN; `revision` is that of the `Function` or `Alias` which
    the change is for, and guards it.
    """

    def get_function(self, function: str, qualifier: str = LATEST) -> Function:
        """One version, by its number, an alias's name, or `$LATEST`."""

    def update_code(self, function: str, package: Zip, *, arch: Arch, revision: str) -> Function:
        """`UpdateFunctionCode`; both fields are always sent."""

    def update_configuration(
        self, function: str, change: Configuration, *, revision: str
    ) -> Function:
        """`UpdateFunctionConfiguration`, with the fields that are not None."""

    def publish_layer(self, name: str, layer: Zip, *, architectures: Collection[Arch]) -> str:
        """The ARN of the layer's version with these very bytes, published where there is none."""

    def publish_version(self, function: str, *, code_sha256: str, revision: str) -> Function:
        """A snapshot of `$LATEST`; the newest version where nothing has changed since then."""

    def invoke(self, function: str, event: bytes, *, qualifier: str = LATEST) -> Invoked:
        """One invocation, waited for; an error of the function's is an answer too."""

    def get_alias(self, function: str, alias: str) -> Alias:
        """Where an alias points to."""

    def update_alias(self, function: str, alias: Alias) -> Alias:
        """Move it; `alias.revision` guards, and a weight of 0 takes the other version away."""
