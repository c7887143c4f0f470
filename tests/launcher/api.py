"""A runtime API on the loopback that takes reports."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def report_request(address: str, kind: str, line: bytes) -> bytes:
    """The request by which a launcher reports `line`, byte for byte."""
    head = (
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\n"
        f"Host: {address}\r\n"
        f"Lambda-Runtime-Function-Error-Type: {kind}\r\n"
        f"Content-Length: {len(line)}\r\n\r\n"
    )
    return head.encode() + line


class Api:
    """A server that reads each request to its end and answers it, or keeps silent for ever."""

    def __init__(self, server: socket.socket, answer: bytes) -> None:
        self.address = "{}:{}".format(*server.getsockname())
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self._server, self._answer = server, answer

    def serve(self) -> None:
        """Take one connection after the other, until one says nothing after the test is over."""
        while True:
            connection, _ = self._server.accept()
            with connection:
                request = _read(connection)
                if self.over.is_set() and not request:
                    return
                self.requests.append(request)
                if not self._answer:
                    self.over.wait(60)
                connection.sendall(self._answer)


def _read(connection: socket.socket) -> bytes:
    """One request, or what came of it."""
    request = b""
    while not _is_complete(request):
        received = connection.recv(65536)
        if not received:
            break
        request += received
    return request


def _is_complete(request: bytes) -> bool:
    head, found, body = request.partition(b"\r\n\r\n")
    size = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return bool(found) and len(body) >= int(size[0].split(b":")[1]) if size else False


@contextmanager
def runtime_api(answer: bytes = ACCEPTED, *, host: str = "127.0.0.1") -> Iterator[Api]:
    """The API, as long as the `with` statement lasts; `requests` is what it got so far."""
    with socket.create_server((host, 0)) as server:
        api = Api(server, answer)
        thread = threading.Thread(target=api.serve, daemon=True)
        thread.start()
        try:
            yield api
        finally:
            api.over.set()
            # Whoever came before is still served.
            socket.create_connection(server.getsockname()).close()
            thread.join(60)
