"""A function for the tests, to be a `bootstrap`.

{"eval": EXPRESSION} is answered with its value, {"raise": TYPE} with an error of that type. The
handler `exit3` ends before it asks for an event, `refuse` reports why it doesn't start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

__all__ = ["Path", "subprocess", "time"]  # for the expressions


def call(method: str, path: str, value: object = None) -> tuple[str, bytes]:
    """One exchange with the runtime API: the id of the event, if there is one, and the body."""
    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    kind = value.get("errorType", "") if isinstance(value, dict) else ""
    headers = {"Lambda-Runtime-Function-Error-Type": kind}
    connection.request(method, f"/2018-06-01/runtime{path}", json.dumps(value), headers)
    response = connection.getresponse()
    return response.headers.get("Lambda-Runtime-Aws-Request-Id", ""), response.read()


def say(*words: object) -> None:
    """Write a line of log."""
    sys.stderr.write(f"{' '.join(map(str, words))}\n")


say("started")
if os.environ["_HANDLER"] == "exit3":
    sys.exit(3)
if os.environ["_HANDLER"] == "refuse":
    reason = {"errorType": "Runtime.HandlerNotFound", "errorMessage": "no `refuse`"}
    call("POST", "/init/error", reason)
    sys.exit(127)
while True:
    identity, body = call("GET", "/invocation/next")
    event = json.loads(body)
    say("event", event)
    if "raise" in event:
        error = {"errorType": event["raise"], "errorMessage": "as asked for"}
        call("POST", f"/invocation/{identity}/error", error)
    else:
        value = eval(event["eval"])  # noqa: S307 - the tests' own expressions
        call("POST", f"/invocation/{identity}/response", value)
