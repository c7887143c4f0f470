"""What botocore's errors mean: each becomes one of `shim.aws.api`'s, by the tables here alone."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shim.aws.api import (
    Conflict,
    Denied,
    LambdaError,
    NotFound,
    Refused,
    RevisionMismatch,
    Throttled,
    Unanswered,
)
from shim.aws.permissions import action_of
from shim.errors import MachineError, ShimError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OUTCOMES: Mapping[type[LambdaError], tuple[str, ...]] = {
    Conflict: (
        "ResourceConflictException",
        # Invocations of what isn't ready yet, or whose network or file system isn't:
        "CodeArtifactUserPendingException",
        "EFSMountConnectivityException",
        "EFSMountTimeoutException",
        "ENINotReadyException",
        "ResourceNotReadyException",
        "S3FilesMountConnectivityException",
        "S3FilesMountTimeoutException",
        "SnapStartNotReadyException",
        "SnapStartTimeoutException",
    ),
    Throttled: (
        "EC2ThrottledException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    ),
    RevisionMismatch: ("PreconditionFailedException",),
    Unanswered: (
        "EC2UnexpectedException",
        "InternalFailure",
        "RequestAbortedException",
        "RequestTimeoutException",
        "ServiceException",
        "ServiceUnavailable",
    ),
    NotFound: (
        "CodeSigningConfigNotFoundException",
        "NoPublishedVersionException",
        "ProvisionedConcurrencyConfigNotFoundException",
        "ResourceNotFoundException",
    ),
    Denied: (
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "UnrecognizedClientException",
    ),
    Refused: (
        "AliasLimitExceededException",
        "CodeArtifactUserDeletedException",
        "CodeArtifactUserFailedException",
        "CodeStorageExceededException",
        "CodeVerificationFailedException",
        "DurableExecutionAlreadyStartedException",
        "EC2AccessDeniedException",
        "EFSIOException",
        "EFSMountFailureException",
        "ENILimitReachedException",
        "FunctionVersionsPerCapacityProviderLimitExceededException",
        "InvalidCodeSignatureException",
        "InvalidParameterValueException",
        "InvalidRequestContentException",
        "InvalidRuntimeException",
        "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException",
        "InvalidZipFileException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "ModeNotSupportedException",
        "RecursiveInvocationException",
        "RequestTooLargeException",
        "RuntimeAliasDeletedException",
        "RuntimeVersionDeletedException",
        "S3FilesMountFailureException",
        "SerializedRequestEntityTooLargeException",
        "ServiceQuotaExceededException",
        "SnapStartException",
        "SnapStartRegenerationFailureException",
        "SubnetIPAddressLimitReachedException",
        "UnsupportedMediaTypeException",
        "ValidationException",
    ),
}
"""By the codes that the service model lists for the calls of `shim.aws.boto`, which a test holds
this to, and the Lambda API reference's "Common Error Types"; all others by their HTTP status."""

BY_CODE = {code: outcome for outcome, codes in OUTCOMES.items() for code in codes}

_CREDENTIALS = "are the credentials the right ones, and still valid? `aws sts get-caller-identity`"


@contextmanager
def calling(what: str, *, service: str = "lambda") -> Iterator[None]:
    """Turn botocore's errors into ours; `what` was tried: an operation, or a sentence on it."""
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    try:
        yield
    except exceptions.ClientError as error:
        raise _answered(error, what, service) from error
    except (
        exceptions.ChecksumError,
        exceptions.ConnectionError,
        exceptions.FlexibleChecksumError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        ResponseParserError,
    ) as error:
        raise Unanswered(f"{what}: no answer: {error}") from error
    except (exceptions.ParamValidationError, exceptions.ValidationError) as error:
        raise Refused(f"{what}: {error}") from error
    except exceptions.BotoCoreError as error:
        # All others come before anything is sent: no credentials, settings that can't be used.
        raise MachineError(f"{what}: {error}", hint=_CREDENTIALS) from error


@contextmanager
def hiding(secrets: Iterable[str]) -> Iterator[None]:
    """Let no error have them in its message: AWS quotes what it refuses, environments too."""
    try:
        yield
    except ShimError as error:
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            for text in (secret, json.dumps(secret)[1:-1]):
                error.message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "***", error.message)
        error.args = (error.message,)
        raise


def _answered(error: Any, what: str, service: str) -> LambdaError:
    said, about = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    code = said.get("Code", "")
    message = f"{what}: {code}: {said.get('Message')}"
    outcome = BY_CODE.get(code) or _by_status(about.get("HTTPStatusCode", 0))
    if outcome is Throttled:
        return Throttled(message, retry_after=_seconds(about.get("HTTPHeaders", {})))
    if outcome is Denied:
        named = re.search(r"to perform: (\S+)", message)
        action = named[1] if named else action_of(error.operation_name, service=service)
        is_permission = named or code.startswith("AccessDenied")
        return Denied(message, action=action, hint=None if is_permission else _CREDENTIALS)
    return outcome(message)


def _by_status(status: int) -> type[LambdaError]:
    match status:
        case 403:
            return Denied
        case 404:
            return NotFound
        case 409:
            return Conflict
        case 412:
            return RevisionMismatch
        case 429:
            return Throttled
        case _:
            return Refused if 400 <= status < 500 else Unanswered


def _seconds(headers: Mapping[str, str]) -> float:
    """What `Retry-After` says, which is seconds in Lambda's answers."""
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0
