"""Lambda's Invoke call on this machine, for AWS's own tools with `--endpoint-url`."""

from __future__ import annotations

import json
import re
import socketserver
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from threading import Thread
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import unquote, urlsplit

from shim.errors import InputError, MachineError
from shim.fields import check_json
from shim.package.limits import read_limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from shim.emulate.session import Answer

    Invoke = Callable[[bytes], Answer]
    """Sends one function an event."""

    Find = Callable[[str], Invoke | None]
    """Finds a function by its name."""

HOST = "127.0.0.1"
_PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What is answered to one request."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    afterwards: Callable[[], object] | None = None
    """What goes on once it is answered."""


class Endpoint:
    """Takes requests, for a `with` statement, each in a thread of its own. Port 0 is a free one."""

    def __init__(self, find: Find, *, port: int) -> None:
        """Raises `MachineError` where the port can't be had."""
        try:
            self._server = _Server((HOST, port), _Handler)
        except OSError as error:
            raise MachineError(
                f"the port can't be had ({error.strerror}): {port}",
                hint="without --port, a free one is taken",
            ) from error
        self._server.find = find
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """What AWS's tools take as the endpoint's URL."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def url_of(self, name: str) -> str:
        """Where events for one function can be posted to."""
        return f"{self.url}/2015-03-31/functions/{name}/invocations"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    """`HTTPServer` would ask for the machine's name first, which can take seconds."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    find: Find

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: who has gone gets no answer, and all else is answered."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer an Invoke."""
        size = int(self.headers.get("Content-Length") or 0)
        limit = read_limits().event
        # All of it is read: who is still writing would not read the answer.
        event = self.rfile.read(min(size, limit + 1))
        left = size - len(event)
        while left > 0 and (piece := self.rfile.read(min(left, _CHUNK))):
            left -= len(piece)
        find = cast("_Server", self.server).find
        kind = self.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        self._send(reply(self.path, event, kind=kind, find=find))

    def do_GET(self) -> None:
        """All other calls of the API."""
        self._send(_unknown_operation())

    do_PUT = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        """Nothing: what functions write is the log."""

    def _send(self, answer: Reply) -> None:
        self.send_response(answer.status)
        common = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer.body)),
            "X-Amzn-RequestId": str(uuid.uuid4()),
        }
        for name, value in (common | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.afterwards:
            Thread(target=answer.afterwards, daemon=True).start()


def reply(path: str, event: bytes, *, kind: str, find: Find) -> Reply:
    """What Lambda's API answers to an Invoke, `kind` being its invocation type."""
    called = _PATH.fullmatch(urlsplit(path).path)
    if called is None:
        return _unknown_operation()
    name = _function_name(unquote(called[1]))
    invoke = find(name)
    if invoke is None:
        return _error(
            HTTPStatus.NOT_FOUND,
            "ResourceNotFoundException",
            f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}",
        )
    limit = read_limits().event
    if len(event) > limit:
        return _error(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "RequestTooLargeException",
            f"Request must be smaller than {limit} bytes for the InvokeFunction operation",
        )
    event = event or b"{}"
    try:
        check_json(event)
    except InputError as error:
        return _error(
            HTTPStatus.BAD_REQUEST,
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error.message}",
        )
    return _invoked(invoke, event, kind)


def _invoked(invoke: Invoke, event: bytes, kind: str) -> Reply:
    if kind == "DryRun":
        return Reply(status=HTTPStatus.NO_CONTENT)
    if kind == "Event":
        return Reply(status=HTTPStatus.ACCEPTED, afterwards=partial(_unanswered, invoke, event))
    try:
        answer = invoke(event)
    except MachineError as error:
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, "ServiceException", error.message)
    headers = {"X-Amz-Executed-Version": "$LATEST"}
    if answer.error_type:
        headers["X-Amz-Function-Error"] = "Unhandled"
    return Reply(status=HTTPStatus.OK, body=answer.payload, headers=headers)


def _unanswered(invoke: Invoke, event: bytes) -> None:
    with suppress(MachineError):  # it is seen, and said, by who started the emulator
        invoke(event)


def _function_name(called: str) -> str:
    """Of a name, `NAME:QUALIFIER`, `ACCOUNT:function:NAME` or an ARN: there is one version here."""
    name, _, _ = called.rpartition(":function:")[2].partition(":")
    return name.removeprefix("function:")


def _unknown_operation() -> Reply:
    message = "only Invoke is answered here: POST /2015-03-31/functions/NAME/invocations"
    return _error(HTTPStatus.NOT_FOUND, "UnknownOperationException", message)


def _error(status: HTTPStatus, kind: str, message: str) -> Reply:
    body = json.dumps({"Type": "User", "Message": message}).encode()
    return Reply(status=status, body=body, headers={"X-Amzn-ErrorType": kind})
