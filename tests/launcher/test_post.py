"""The report to the runtime API: what it receives, and what happens when it doesn't."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.launcher.api import report_request, runtime_api
from tests.launcher.cases import CASES, Case
from tests.launcher.package import LAUNCHER_FOLDER

if TYPE_CHECKING:
    from tests.launcher.package import Package


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_runtime_api_gets_the_line_of_standard_error(package: Package, case: Case) -> None:
    package = package.alone() if case.kind == "InterpreterMissing" else package
    case.fill(package)
    with runtime_api() as api:
        variables = {"AWS_LAMBDA_RUNTIME_API": api.address, **case.variables(str(package.root))}
        outcome = package.start(case.handler, variables=variables)
    request = report_request(api.address, f"Runtime.{case.kind}", outcome.errors)
    assert api.requests == [request]
    message = case.message(package, str(package.root))
    said = f'{{"errorType":"Runtime.{case.kind}","errorMessage":"{message}'.encode()
    assert outcome.errors.startswith(said)
    assert not package.is_lean or outcome.errors == said + b'","stackTrace":[]}\n'
    assert outcome.status == case.status


def test_the_cases_show_every_error_type_of_the_sources() -> None:
    sources = (LAUNCHER_FOLDER / "launch.py", LAUNCHER_FOLDER / "report.py")
    text = "".join(path.read_text() for path in sources)
    assert {case.kind for case in CASES.values()} == set(re.findall(r'b"(\w+)\\0', text))


def test_a_start_that_succeeds_tells_the_runtime_api_nothing(package: Package) -> None:
    package.add("orders")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": address})
        assert_nobody_came(server)


def test_a_runtime_api_that_never_answers_does_not_hold_the_launcher(package: Package) -> None:
    with runtime_api(answer=b"") as api:
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": api.address})
    assert outcome.status == 127


def test_a_runtime_api_that_never_accepts_does_not_hold_the_launcher(package: Package) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)  # noqa: FBT003 - the socket's own signature
            client.connect_ex(address)
        api = f"127.0.0.1:{address[1]}"
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": api})
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


@pytest.mark.parametrize(
    "spelling",
    [
        *("0127.0.0.1:{port}", "127.0.0.01:{port}", "127.00.0.1:{port}", "127.0.0.1:0{port}"),
        *("127.0.0.1:00000{port}", "127.0..1:{port}", "127..0.1:{port}", ".0.0.1:{port}"),
        *("127.0.0.1:{port}:", "127.0.0.1:{port}\n", "127.0.0.1:{over}", "383.0.0.1:{port}"),
        *("127.1:{port}", "127.0.1:{port}", "2130706433:{port}", "127.0.0.1.:{port}"),
    ],
)
def test_another_spelling_of_an_address_is_none(package: Package, spelling: str) -> None:
    """Read loosely, each of them would lead to a server that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        address = spelling.format(port=port, over=port + 65536)
        outcome = package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": address})
        assert_nobody_came(server)
    assert (outcome.status, outcome.report["errorType"]) == (127, "Runtime.HandlerNotFound")


@pytest.mark.parametrize("host", ["127.10.0.1", "127.255.100.254"])
def test_every_address_in_its_own_spelling_is_one(package: Package, host: str) -> None:
    with runtime_api(host=host) as api:
        package.start("orders", variables={"AWS_LAMBDA_RUNTIME_API": api.address})
    assert f"Host: {api.address}\r\n".encode() in api.requests[0]


def assert_nobody_came(server: socket.socket) -> None:
    """Fail where a connection waits to be accepted."""
    server.setblocking(False)  # noqa: FBT003 - the socket's own signature
    with pytest.raises(BlockingIOError):
        server.accept()
