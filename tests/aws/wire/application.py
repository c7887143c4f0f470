"""What a request on the loopback is for: Lambda's control plane, a zip, or a service of moto's."""

from __future__ import annotations

import socket
import uuid
from typing import TYPE_CHECKING, Any

from moto.core.request import Request as ServiceRequest
from moto.moto_server.werkzeug_app import MotoRequestHandler

from tests.aws.wire import services
from tests.aws.wire.access import asked_by_request, model_name, principal_of
from tests.aws.wire.model import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from tests.aws.wire.access import Principal
    from tests.aws.wire.server import Cloud

ACCOUNT = "123456789012"
"""Whose keys those are that nobody knows."""

ZIPS = "/zips/"
"""Where packages and layers are downloaded from."""

_SCOPE = 5
"""Parts of a signature's scope: key, day, region, service, `aws4_request`."""


class Handler(MotoRequestHandler):
    """Says nothing on standard error."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Nothing."""


class Application:
    """WSGI's, for a cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith(ZIPS):
            return self._zip(environ, start)
        key, region, service = _credential(environ)
        number = _account(key)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = number
        token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN")
        who = principal_of(number, key, token) if service else None
        if service == "lambda":
            return self._lambda(environ, start, place=(number, region), who=who)
        asked = ServiceRequest(environ)
        for action, resource in asked_by_request(service, asked, number) if who else ():
            if denial := who and who.denial(action, resource):
                return services.denied(model_name(service), asked, str(denial))(environ, start)
        return services.application()(environ, start)

    def _lambda(
        self,
        environ: WSGIEnvironment,
        start: StartResponse,
        *,
        place: tuple[str, str],
        who: Principal | None,
    ) -> Iterable[bytes]:
        answer = self._cloud.handle(_request(environ), self._cloud.account(*place), who)
        if answer is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            # Which the server takes for a caller that has gone away, and says nothing of.
            raise ConnectionAbortedError
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            "x-amzn-RequestId": str(uuid.uuid4()),
            **answer.headers,
        }
        start(f"{answer.status} {answer.status}", list(headers.items()))
        return [answer.body]

    def _zip(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = self._cloud.folder / environ["PATH_INFO"].removeprefix(ZIPS)
        is_there = path.parent == self._cloud.folder and path.exists()
        start("200 OK" if is_there else "403 FORBIDDEN", [])
        return [path.read_bytes() if is_there else b""]


def _request(environ: Mapping[str, Any]) -> Request:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return Request(
        method=environ["REQUEST_METHOD"],
        target=environ["RAW_URI"],
        headers=headers,
        body=environ["wsgi.input"].read(length),
    )


def _credential(environ: Mapping[str, Any]) -> tuple[str, str, str]:
    """Access key, region and service of a signed request; empty where it isn't signed."""
    signature = environ.get("HTTP_AUTHORIZATION", "")
    scope = signature.partition("Credential=")[2].partition(",")[0].split("/")
    return (scope[0], scope[2], scope[3]) if len(scope) == _SCOPE else ("", "", "")


def _account(access_key: str) -> str:
    """An account's number is a key of that account, and all others are IAM's."""
    is_number = len(access_key) == len(ACCOUNT) and access_key.isdecimal()
    return access_key if is_number else services.account_of(access_key)
