"""What the full launcher does when the launch path came back: find out why, say it, end.

Nuitka's program starts here after a failed exec. The type, the sentence and the exit status are
the lean launcher's (report.py); what follows them says why and what to do, with the package in
hand. Built-in modules and `os` only: each further one makes the launcher larger and slower.
"""

import os
import select
import sys

from shim.launcher.advice import advise
from shim.launcher.failure import Failure, Start, find_failure
from shim.launcher.wording import quote

TYPE_CHECKING = False  # mypy takes it for true; `_socket` is imported where it is needed
if TYPE_CHECKING:
    import _socket

LINE_LIMIT = 8000
"""Bytes of the whole report; `/runtime/init/error` takes more, a reader doesn't."""

TIMEOUT = 1.0
"""Seconds, for each wait."""


def compose(failure: Failure, start: Start) -> bytes:
    """The report: one line of JSON, the sentence first, then the explanation and the facts."""
    try:
        advice, facts = advise(failure, start)
    except Exception as problem:  # the report has to come, whatever the package is
        advice, facts = "", {"explanationFailed": repr(problem)}
    message = failure.sentence + (f". {advice}" if advice else "")
    line = _line(failure, message, facts)
    if len(line) > LINE_LIMIT:
        line = _line(failure, message, {"leftOut": "the package's facts: too many"})
    return line


def _line(failure: Failure, message: str, facts: dict[str, object]) -> bytes:
    report = {"errorType": "Runtime." + failure.kind, "errorMessage": message, "stackTrace": []}
    return quote({**report, **facts}).encode() + b"\n"


def post(api: bytes, kind: str, line: bytes) -> "_socket.socket | None":
    """Send the report to the runtime API; the connection, or None where that can't be done."""
    address = parse_address(api)
    if address is None:
        return None
    # The C half of `socket`: the module itself would bring in a dozen others.
    import _socket

    head = (
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: " + api + b"\r\n"
        b"Lambda-Runtime-Function-Error-Type: Runtime." + kind.encode() + b"\r\n"
        b"Content-Length: " + str(len(line)).encode() + b"\r\n\r\n"
    )
    try:
        connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        connection.settimeout(TIMEOUT)
        connection.connect(address)
        connection.sendall(head + line)
    except OSError:
        return None
    return connection


def parse_address(text: bytes) -> tuple[str, int] | None:
    """`127.0.0.1:9001` as the socket takes it; None for anything else."""
    host, _, port = text.partition(b":")
    numbers = [(part, 255) for part in host.split(b".")] + [(port, 65535)]
    if len(numbers) != 5 or not all(_is_number(part, limit) for part, limit in numbers):
        return None
    return host.decode(), int(port)


def _is_number(text: bytes, limit: int) -> bool:
    """Whether `text` is a number up to `limit`, in no more digits than it needs."""
    is_short = text.isdigit() and len(text) <= len(str(limit))
    return is_short and str(int(text)).encode() == text and int(text) <= limit


def write(file: int, data: bytes) -> None:
    """Write `data`, or as much as `file` takes without a second's wait in between.

    Not to wait inside of `write`, which has no end where a pipe is full, and not to change the pipe
    for all that hold it: when it is ready, it takes PIPE_BUF bytes at once.
    """
    ready = select.poll()
    ready.register(file, select.POLLOUT)
    try:
        while data and ready.poll(TIMEOUT * 1000):
            data = data[os.write(file, data[: select.PIPE_BUF]) :]
    except OSError:
        return


def await_answer(connection: "_socket.socket") -> None:
    """Wait for the first byte: what is still on its way when we end may never be read."""
    try:
        connection.recv(1)
    except OSError:
        return


def first_values(entries: list[bytes]) -> dict[bytes, bytes]:
    """Variables by name; of equal names the first that is not empty counts, as in launch.py."""
    variables: dict[bytes, bytes] = {}
    for entry in entries:
        name, _, value = entry.partition(b"=")
        if value:
            variables.setdefault(name, value)
    return variables


def main(own_path: bytes | None, environment: list[bytes]) -> None:
    """Explain why this process's start failed, and end with the status that says so too."""
    start = Start(
        first_values(environment),
        machine=os.uname().machine,
        own_path=own_path,
        words=[os.fsencode(word) for word in sys.argv[1:]],
    )
    failure = find_failure(start)
    line = compose(failure, start)
    connection = post(start.api, failure.kind, line)
    write(2, line)
    if connection is not None:
        await_answer(connection)
    # Nothing is open that needs to be closed; the interpreter's own end would only take time.
    os._exit(failure.status)


if __name__ == "__main__":
    # Compiled into the launcher beside the modules that this needs (modules.c).
    import _launcher  # type: ignore[import-not-found]

    main(_launcher.own_path(), _launcher.take_environment())
