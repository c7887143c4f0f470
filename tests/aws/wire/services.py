"""The services of AWS that aren't Lambda: moto answers for S3, IAM, STS, CloudWatch, CodeDeploy.

Its data lie in this process and are everybody's here: `forget` them before they are used anew.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import BackendDict
from moto.core.request import Request, determine_request_protocol
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.wrappers import Response

from shim.aws.api import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@cache
def application() -> Callable[..., Iterable[bytes]]:
    """What answers requests; made once, each service's part when it is first asked for."""
    dispatcher: Callable[..., Iterable[bytes]] = DomainDispatcherApplication(create_backend_app)
    return dispatcher


def denied(service: str, request: Request, denial: str) -> Response:
    """What a service says to who may not, in its protocol."""
    protocol = determine_request_protocol(get_service_model(service), request.content_type)
    if "json" in protocol:
        said = json.dumps({"__type": "AccessDeniedException", "message": denial})
    else:
        said = f"<Error><Code>AccessDenied</Code><Message>{denial}</Message></Error>"
        said = said if protocol == "rest-xml" else f"<ErrorResponse>{said}</ErrorResponse>"
    return Response(said, 403)


def forget() -> None:
    """Leave nothing of what was put into any service."""
    BackendDict.reset()


def account_of(access_key: str) -> str:
    """Whose key it is, that IAM made or STS gave for a role."""
    return str(get_account_id_from(access_key))


def has_object(account: str, Bucket: str, Key: str) -> bool:  # noqa: N803 - botocore's names
    """Whether there is such an object."""
    return s3_backends[account]["aws"].get_object(Bucket, Key) is not None


def read_object(account: str, bucket: str, key: str, version: str | None) -> bytes:
    """What Lambda reads from S3 for a code call."""
    found: Any = s3_backends[account]["aws"].get_object(bucket, key, version_id=version)
    if found is None:
        raise Refused(
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The"
            " specified key does not exist."
        )
    return bytes(found.value)
