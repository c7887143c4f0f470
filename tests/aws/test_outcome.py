"""Each error that botocore knows of has its meaning here, and none by accident."""

from __future__ import annotations

import inspect
import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions, session, stub, xform_name

from shim.aws import boto, outcome
from shim.aws.api import (
    Configuration,
    Conflict,
    Denied,
    LambdaError,
    NotFound,
    NotNow,
    Refused,
    RevisionMismatch,
    Throttled,
    Unanswered,
)
from shim.aws.permissions import action_of
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.aws.connection import Connection

MODEL = session.get_session().get_service_model("lambda")
SOURCE = inspect.getsource(boto)
OPERATIONS = [
    name
    for name in MODEL.operation_names
    if re.search(rf'"{xform_name(name)}"|client\.{xform_name(name)}\(', SOURCE)
]
"""What `shim.aws.boto` calls."""

LISTED = [
    pytest.param(
        operation,
        error.name,
        error.metadata["error"]["httpStatusCode"],
        id=f"{operation}-{error.name}",
    )
    for operation in OPERATIONS
    for error in MODEL.operation_model(operation).error_shapes
]


def raised(client: Any, code: str, status: int, **how: Any) -> LambdaError:
    """What an answer with this error becomes."""
    with stub.Stubber(client) as stubber:
        stubber.add_client_error("get_alias", code, how.pop("message", "why"), status, **how)
        with pytest.raises(LambdaError) as caught:
            boto.BotoApi(client).get_alias("orders", "live")
    return caught.value


def test_the_operations_are_those_of_the_source() -> None:
    assert [
        *("GetAlias", "GetFunction", "GetLayerVersionByArn", "GetProvisionedConcurrencyConfig"),
        *("Invoke", "ListLayerVersions", "PublishLayerVersion", "PublishVersion"),
        *("UpdateAlias", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
    ] == OPERATIONS


@pytest.mark.parametrize(("operation", "code", "status"), LISTED)
def test_each_error_that_the_model_lists_for_a_call_stands_in_the_table(
    client: Any, operation: str, code: str, status: int
) -> None:
    meant = outcome.BY_CODE[code]
    assert type(raised(client, code, status)) is meant
    if operation != "Invoke":
        # An invocation's 502 may be a last word: the function's key was deleted, say.
        assert type(raised(client, "Unheard", status)) is meant, "its status says the same"


def test_the_table_has_nothing_twice() -> None:
    assert len(outcome.BY_CODE) == sum(map(len, outcome.OUTCOMES.values()))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (403, Denied),
        (404, NotFound),
        (409, Conflict),
        (412, RevisionMismatch),
        (429, Throttled),
        (500, Unanswered),
        (503, Unanswered),
    ],
)
def test_an_error_that_nobody_has_heard_of_is_taken_by_its_status(
    client: Any, status: int, kind: type[LambdaError]
) -> None:
    assert type(raised(client, "Unheard", status)) is kind


def test_a_throttled_call_says_when_to_come_again(client: Any) -> None:
    headers = {"HTTPHeaders": {"retry-after": "7"}}
    later = raised(client, "TooManyRequestsException", 429, response_meta=headers)
    assert isinstance(later, Throttled)
    assert later.retry_after == 7


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("User: x is not authorized to perform: lambda:GetAlias on resource: y", "lambda:GetAlias"),
        ("User: x is not authorized to perform: kms:Decrypt on resource: y", "kms:Decrypt"),
        (None, "lambda:GetAlias"),
    ],
)
def test_who_may_not_is_told_which_permission_it_takes(
    client: Any, message: str | None, action: str
) -> None:
    denied = raised(client, "AccessDeniedException", 403, message=message)
    assert isinstance(denied, Denied)
    assert denied.action == action
    assert denied.hint == f"it takes the permission {action}"


def test_credentials_that_are_not_taken_are_no_missing_permission(client: Any) -> None:
    for code in ("ExpiredTokenException", "UnrecognizedClientException"):
        denied = raised(client, code, 403)
        assert isinstance(denied, Denied)
        assert "still valid?" in (denied.hint or "")


def test_no_error_has_a_value_of_the_environment(client: Any) -> None:
    values = ('s3cr"t', "1", "")
    said = 'String measured: {"TOKEN":"s3cr\\"t","LEVEL":"1"}; limit 4,181'
    change = Configuration(environment=tuple(zip(("TOKEN", "LEVEL", "NONE"), values, strict=True)))
    with stub.Stubber(client) as stubber:
        code = "InvalidParameterValueException"
        stubber.add_client_error("update_function_configuration", code, said, 400)
        with pytest.raises(Refused) as caught:
            boto.BotoApi(client).update_configuration("orders", change, revision="r1")
    assert caught.value.message == str(caught.value)
    assert caught.value.message.endswith('{"TOKEN":"***","LEVEL":"***"}; limit 4,181')


def test_actions_are_named_as_iam_names_them() -> None:
    assert action_of("Invoke") == "lambda:InvokeFunction"
    assert action_of("GetLayerVersionByArn") == "lambda:GetLayerVersion"
    assert action_of("PutObject", service="s3") == "s3:PutObject"


def test_each_exception_of_botocore_has_its_meaning() -> None:
    kinds = {
        kind: meaning(kind)
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, exceptions.BotoCoreError)
    }
    silent = {kind for kind, meant in kinds.items() if meant is Unanswered}
    on_the_wire = re.compile("Connect|Timeout|HTTP|SSL|Read|Stream|Proxy(?!Config)|Checksum")
    assert {kind.__name__ for kind in kinds if on_the_wire.search(kind.__name__)} - {
        kind.__name__ for kind in silent
    } == {"InvalidChecksumConfigError", "UnseekableStreamError"}, "both before anything is sent"
    assert kinds[exceptions.ParamValidationError] is Refused
    assert kinds[exceptions.NoCredentialsError] is MachineError


def meaning(kind: Any) -> type[Exception]:
    error = kind.__new__(kind)
    try:
        with outcome.calling("it"):
            raise error
    except (LambdaError, MachineError) as ours:
        return type(ours)


@contextmanager
def answering(answer: bytes | None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each caller these bytes and hangs up; with None it stays silent."""
    heard: list[bytes] = []
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            held.append(connection)
            heard.append(connection.recv(65536))
            if answer is not None:
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_RDWR)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="silence"),
        pytest.param(b"", id="hangs-up"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", id="half-an-answer"),
        pytest.param(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n", id="503"),
        pytest.param(b"HTTP/1.1 502 Bad\r\nContent-Length: 6\r\n\r\n<html>", id="502-of-a-proxy"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", id="200-of-a-proxy"),
        pytest.param(b"\0\0\0\0", id="no-http"),
    ],
)
def test_what_is_no_answer_is_never_taken_for_one_and_the_call_is_sent_once(
    account: Connection, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    with answering(answer) as (url, heard):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        api = boto.BotoApi(account.client(read_seconds=0.3))
        with pytest.raises(Unanswered):
            api.publish_version("orders", code_sha256="h", revision="r1")
        assert len(heard) == 1


def test_an_invocation_whose_answer_breaks_off_has_none(
    account: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{") as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(Unanswered):
            boto.BotoApi(account.client()).invoke("orders", b"{}")


def test_where_nobody_listens_there_is_no_answer_either(
    account: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and nobody listens: as long as it is open, nobody can
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(NotNow, match="GetFunction: no answer: Could not connect"):
            boto.BotoApi(account.client()).get_function("orders")


def test_an_invocation_is_waited_for_as_long_as_the_function_may_run(account: Connection) -> None:
    waits: list[float] = []

    def patient(seconds: float) -> Any:
        waits.append(seconds)
        return account.client(read_seconds=seconds)

    for timeout in (3, 900):
        with pytest.raises(Refused):
            boto.BotoApi(account.client(), patient=patient).invoke("", b"{}", timeout=timeout)
    assert waits == [63, 960]
    assert patient(960).meta.config.read_timeout == 960
    assert account.client().meta.config.read_timeout == 60
