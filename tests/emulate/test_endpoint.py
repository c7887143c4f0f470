"""The endpoint of `shim run`, called by AWS's own tools: several functions, errors, changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from shim.emulate.endpoint import HOST, Endpoint
from shim.emulate.session import Answer
from shim.errors import MachineError
from tests.cli.test_json import check_convention
from tests.command import Command
from tests.requirements import require
from tests.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

AWS = Path(sys.executable).with_name("aws")
SCRIPT = "#!/bin/sh\nexec /usr/bin/python3 -IS /var/task/function.py\n"


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Iterator[Command]:
    command = Command(name="run", cache=cache, folder=tmp_path / "tmp")
    with command.opened():
        yield command


@pytest.fixture
def build(package: Path, tmp_path: Path) -> Path:
    """A folder of two programs, as a build leaves it: nothing of it is packed."""
    folder = tmp_path / "build"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(package / "bootstrap", folder / "function.py")
    for name in ("orders", "invoices"):
        (folder / "bin" / name).write_text(SCRIPT)
    return folder


class Serving:
    """A running `shim run`, and a client of Lambda's that is pointed to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        self.process = process
        self.said = check_convention(process.stdout.readline())
        self.client: Any = client_of(self.said["endpoint"])

    def evaluate(self, name: str, expression: str, **more: str) -> Any:
        payload = json.dumps({"eval": expression})
        answer = self.client.invoke(FunctionName=name, Payload=payload, **more)
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    def await_line(self, part: str) -> str:
        """The next line of standard error with that in it."""
        assert self.process.stderr
        for line in self.process.stderr:
            if part in line:
                return line
        raise AssertionError(f"it ended without: {part}")


def client_of(url: str) -> Any:
    return boto3.client(
        "lambda",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",  # noqa: S106 - of nobody
        config=Config(retries={"total_max_attempts": 1}),
    )


@contextmanager
def serving(command: Command, *words: str | Path) -> Iterator[Serving]:
    process = command.start(*words, "--json")
    yield Serving(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not command.processes()
    assert not list(command.folder.iterdir())


def test_each_handler_is_a_function_under_its_name(command: Command, build: Path) -> None:
    with serving(command, build) as here:
        found = {one["name"]: one["handler"] for one in here.said["functions"]}
        assert found == {"orders": "bin/orders", "invoices": "bin/invoices"}
        for name, handler in found.items():
            assert here.evaluate(name, "os.environ['_HANDLER']") == handler
        arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
        for called in ("orders:live", arn, "123456789012:function:orders"):
            assert here.evaluate(called, "os.environ['_HANDLER']") == "bin/orders"


def test_names_can_be_given_and_are_told_apart(
    command: Command, build: Path, package: Path
) -> None:
    words = (f"one={build}", f"two={package}", "--handler", "bin/orders")
    with serving(command, *words) as here:
        assert here.evaluate("one", "1") == here.evaluate("two", "1") == 1
    done = command.run(build, build)
    assert done.returncode == 2
    assert "error: two functions have the name `invoices`\nhint: name" in done.stderr


def test_the_aws_command_line_invokes_it(command: Command, build: Path, tmp_path: Path) -> None:
    require(AWS.exists(), "the AWS command line is not installed")
    words = ["lambda", "invoke", "--region", "eu-west-1", "--payload", '{"eval": "6 * 7"}']
    environment = os.environ | {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}

    def invoke(url: str, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [AWS, *words, "--endpoint-url", url, "--function-name", name, tmp_path / "out.json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    with serving(command, build) as here:
        done = invoke(here.said["endpoint"], "orders")
        assert json.loads(done.stdout)["StatusCode"] == 200, done.stderr
        assert (tmp_path / "out.json").read_text() == "42"
        done = invoke(here.said["endpoint"], "order")
    assert done.returncode != 0
    assert "(ResourceNotFoundException) when calling the Invoke operation: Function not" in (
        done.stderr
    )


def test_a_program_alone_is_packed_and_answers(
    command: Command, package: Path, tmp_path: Path
) -> None:
    program = tmp_path / "orders"
    shutil.copy(package / "bootstrap", program)
    done = command.run(program, event='{"eval": "os.environ[\'_HANDLER\']"}')
    assert (done.returncode, done.stdout) == (0, '"orders"\n'), done.stderr
    assert not list(command.folder.iterdir())


def test_what_changes_is_packed_anew_and_the_port_stays(command: Command, build: Path) -> None:
    with serving(command, build, "--watch") as here:
        first = here.evaluate("orders", "os.getpid(), os.listdir('/var/task')")
        (build / "more.txt").touch()
        (build / "bin" / "refunds").write_text(SCRIPT)
        here.await_line("started anew: invoices, orders, refunds")
        assert "more.txt" not in first[1]
        assert "more.txt" in here.evaluate("orders", "os.listdir('/var/task')")
        assert here.evaluate("refunds", "os.environ['_HANDLER']") == "bin/refunds"
        (build / "bin" / "refunds").unlink()
        here.await_line("started anew: invoices, orders\n")
        with pytest.raises(here.client.exceptions.ResourceNotFoundException):
            here.client.invoke(FunctionName="refunds")


def test_a_file_half_written_lets_what_was_there_go_on(
    command: Command, build: Path, tmp_path: Path
) -> None:
    package = tmp_path / "function.zip"
    subprocess.run(
        [sys.executable, "-m", "shim", "pack", build, "-o", package],
        check=True,
        capture_output=True,
        env=command.environment,
    )
    whole = package.read_bytes()
    with serving(command, package, "--watch") as here:
        package.write_bytes(whole[: len(whole) // 2])
        here.await_line("error: ")
        here.await_line("what was there before goes on until the next change")
        assert here.evaluate("orders", "1") == 1
        package.write_bytes(whole)
        here.await_line("started anew")
        assert here.evaluate("orders", "2") == 2


def test_with_an_event_each_change_is_answered(command: Command, build: Path) -> None:
    event = json.dumps({"eval": "os.listdir('/var/task/bin')"})
    words = (build, "--handler", "bin/orders", "--event", event, "--watch")
    process = command.start(*words)
    assert process.stdout
    assert "refunds" not in process.stdout.readline()
    (build / "bin" / "refunds").write_text(SCRIPT)
    assert "refunds" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0


ANSWERS = {
    "fine": Answer(
        payload=b"[1]", error_type=None, error_message="", seconds=0, init_milliseconds=None
    ),
    "broken": Answer(
        payload=b'{"errorType": "E"}',
        error_type="E",
        error_message="",
        seconds=0,
        init_milliseconds=None,
    ),
}


@pytest.fixture
def endpoint() -> Iterator[Any]:
    """A client of an endpoint with functions that start nothing; `events` are what they got."""
    events: list[tuple[str, bytes]] = []

    def find(name: str) -> Any:
        def invoke(event: bytes) -> Answer:
            events.append((name, event))
            if name == "gone":
                raise MachineError("the emulator is gone")
            return ANSWERS[name]

        return invoke if name in {*ANSWERS, "gone"} else None

    with Endpoint(find, port=0) as here:
        client = client_of(here.url)
        client.events = events
        yield client


def test_answers_are_told_from_errors_as_lambda_does_it(endpoint: Any) -> None:
    fine = endpoint.invoke(FunctionName="fine", Payload=b"7")
    assert (fine["StatusCode"], fine["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in fine
    broken = endpoint.invoke(FunctionName="broken")
    assert (broken["StatusCode"], broken["FunctionError"]) == (200, "Unhandled")
    assert json.loads(broken["Payload"].read()) == {"errorType": "E"}
    assert endpoint.events == [("fine", b"7"), ("broken", b"{}")]


def test_an_event_can_be_left_there_or_only_tried(endpoint: Any) -> None:
    assert endpoint.invoke(FunctionName="fine", InvocationType="DryRun")["StatusCode"] == 204
    assert endpoint.invoke(FunctionName="fine", InvocationType="Event")["StatusCode"] == 202
    wait_until(lambda: endpoint.events == [("fine", b"{}")], seconds=60)


@pytest.mark.parametrize(
    ("call", "kind", "status", "sentence"),
    [
        ({"FunctionName": "no"}, "ResourceNotFoundException", 404, "Function not found: arn:aws:"),
        (
            {"FunctionName": "fine", "Payload": b"{"},
            "InvalidRequestContentException",
            400,
            "Could not parse request body into json: ",
        ),
        (
            {"FunctionName": "fine", "Payload": BytesIO(bytes(6_291_457))},
            "RequestTooLargeException",
            413,
            "Request must be smaller than 6291456 bytes",
        ),
        ({"FunctionName": "gone"}, "ServiceException", 500, "the emulator is gone"),
    ],
)
def test_errors_are_those_of_lambdas_api(
    call: dict[str, Any], kind: str, status: int, sentence: str, endpoint: Any
) -> None:
    with pytest.raises(getattr(endpoint.exceptions, kind), match=sentence) as error:
        endpoint.invoke(**call)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_no_other_call_is_answered(endpoint: Any) -> None:
    with pytest.raises(endpoint.exceptions.ClientError, match="only Invoke is answered here"):
        endpoint.get_function(FunctionName="fine")


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MachineError, match=f"the port can't be had .*: {port}"):
            Endpoint(lambda _: None, port=port)
