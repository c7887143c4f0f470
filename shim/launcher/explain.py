"""What the full launcher does when the launch path came back: find out why, say it, end.

Nuitka's program starts here after a failed exec. The type, the sentence and the exit status are
the lean launcher's (report.py); what follows them says why and what to do, with the package in
hand. Built-in modules and `os` only: each further one makes the launcher larger and slower.
"""

import os
import sys

from shim.launcher.advice import advise
from shim.launcher.failure import Failure, Start, find_failure
from shim.launcher.wording import quote

LINE_LIMIT = 8000
"""Bytes of the whole report; `/runtime/init/error` takes more, a reader doesn't."""

TIMEOUT = 1.0
"""Seconds, for each of connect, send and receive."""


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


def write(file: int, data: bytes) -> None:
    """Write all of `data`, or as much as `file` takes."""
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        return


def post(api: bytes, kind: str, line: bytes) -> None:
    """Send the report to the runtime API; bounded in time, and its failure changes nothing."""
    address = parse_address(api)
    if address is None:
        return
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
        # What is still on its way when we end may never be read: wait for the answer.
        connection.recv(1)
    except OSError:
        return


def parse_address(text: bytes) -> tuple[str, int] | None:
    """`127.0.0.1:9001` as the socket takes it; None for anything else."""
    host, _, port = text.partition(b":")
    parts = host.split(b".")
    numbers = [*parts, port]
    if len(parts) != 4 or not all(part.isdigit() or not part for part in numbers):
        return None
    if any(len(part.lstrip(b"0")) > 5 for part in numbers):
        return None
    if any(int(part or b"0") > 255 for part in parts) or int(port or b"0") > 65535:
        return None
    return ".".join(str(int(part or b"0")) for part in parts), int(port or b"0")


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
    write(2, line)
    post(start.api, failure.kind, line)
    # Nothing is open that needs to be closed; the interpreter's own end would only take time.
    os._exit(failure.status)


if __name__ == "__main__":
    # Compiled into the launcher beside the modules that this needs (modules.c).
    import _launcher  # type: ignore[import-not-found]

    main(_launcher.own_path(), _launcher.take_environment())
