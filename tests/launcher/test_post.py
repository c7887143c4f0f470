"""The report to the runtime API: what it receives, and what happens when it doesn't."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.conftest import Package

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
LONGEST = 20
"""Seconds that no start below may take, by far: each of its three waits ends after one."""


class Api:
    """A server that reads one request to its end and answers it, or does not."""

    def __init__(self, server: socket.socket, answer: bytes) -> None:
        self.address = f"127.0.0.1:{server.getsockname()[1]}"
        self.request = b""
        self._server, self._answer = server, answer
        self.over = threading.Event()

    def serve(self) -> None:
        """Take one connection and keep it open until the test is over."""
        connection, _ = self._server.accept()
        with connection:
            while not self._is_complete():
                received = connection.recv(65536)
                if not received:
                    return
                self.request += received
            connection.sendall(self._answer)
            self.over.wait(60)

    def _is_complete(self) -> bool:
        head, found, body = self.request.partition(b"\r\n\r\n")
        size = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        return bool(found) and len(body) >= int(size[0].split(b":")[1])


@contextmanager
def runtime_api(answer: bytes = ACCEPTED) -> Iterator[Api]:
    """A runtime API on the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        api = Api(server, answer)
        thread = threading.Thread(target=api.serve, daemon=True)
        thread.start()
        yield api
        api.over.set()
        thread.join(60)


def test_the_runtime_api_gets_the_line_of_standard_error(package: Package) -> None:
    with runtime_api() as api:
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": api.address})
    head, _, body = api.request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /2018-06-01/runtime/init/error HTTP/1.1",
        b"Host: " + api.address.encode(),
        b"Lambda-Runtime-Function-Error-Type: Runtime.HandlerNotFound",
        b"Content-Length: " + str(len(outcome.errors)).encode(),
    ]
    assert body == outcome.errors
    assert json.loads(body)["errorType"] == "Runtime.HandlerNotFound"
    assert outcome.status == 127


def test_a_start_that_succeeds_tells_the_runtime_api_nothing(package: Package) -> None:
    package.add("orders")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": address})
        server.setblocking(False)  # noqa: FBT003 - the socket's own signature
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_runtime_api_that_never_answers_does_not_hold_the_launcher(package: Package) -> None:
    with runtime_api(answer=b"") as api:
        before = time.monotonic()
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": api.address})
        assert time.monotonic() - before < LONGEST
    assert outcome.status == 127


def test_a_runtime_api_that_never_accepts_does_not_hold_the_launcher(package: Package) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)  # noqa: FBT003 - the socket's own signature
            client.connect_ex(address)
        api = f"127.0.0.1:{address[1]}"
        before = time.monotonic()
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": api})
        assert time.monotonic() - before < LONGEST
        for client in waiting:
            client.close()
    assert outcome.status == 127


def test_a_runtime_api_that_refuses_changes_nothing(package: Package) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and nobody listens: as long as it is open, nobody can
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": address})
    assert (outcome.status, outcome.report["errorType"]) == (127, "Runtime.HandlerNotFound")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:9001",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:9001/",
        "127.0.0.1:70000",
        "256.0.0.1:1",
        "[::1]:9001",
        "1.2.3.4.5:6",
        "9" * 5000,
        "-1.0.0.1:1",
        "127.0.0.1:9001 ",
    ],
)
def test_an_address_that_is_none_changes_nothing(package: Package, address: str) -> None:
    outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": address})
    assert (outcome.status, outcome.report["errorType"]) == (127, "Runtime.HandlerNotFound")
