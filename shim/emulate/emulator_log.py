"""Reads the emulator's two outputs: what the function wrote, and what became of an invocation."""

from __future__ import annotations

import re
from dataclasses import dataclass

TIMED_OUT = "Sandbox.Timedout"
"""The error type with which Lambda reports a function that used up its time."""

_REQUEST = rb"RequestId: [0-9a-f-]{36}"
_OWN_LINES = re.compile(
    rb"(START %b Version: \S+|END %b|REPORT %b\t.*)\n" % (_REQUEST, _REQUEST, _REQUEST)
)
_ERROR_TYPE = re.compile(r"\[DEBUG\] \(rapid\) Sending Error Response: (\S+)")
_TIMEOUT = re.compile(r"\[DEBUG\] \(rapid\) Invoke\(\) timeout")
_CAUSE = re.compile(r"\[ERROR\] \(rapid\) (?:Init|Invoke) failed .*?error=(.*?)(?: InvokeID=\S*)?$")
_OFFERED = re.compile(r"\[DEBUG\] \(rapid\) Release runtime condition$")
_INIT = re.compile(r"\[INFO\] \(rapid\) INIT REPORT\(durationMs: ([0-9.]+)\)")


def without_own_lines(line: bytes) -> bytes:
    """`line`, without what the emulator wrote into the function's output; often nothing is left."""
    return _OWN_LINES.sub(b"", line)


@dataclass(kw_only=True, slots=True)
class Record:
    """What the emulator's own log said since an invocation began."""

    error_type: str | None = None
    cause: str | None = None
    init_milliseconds: float | None = None
    was_offered: bool = False
    """Whether the function could fetch the event."""

    @property
    def was_cancelled_by_mistake(self) -> bool:
        """Whether the emulator took the end of an earlier process for that of this one.

        It cancels what runs when it handles an exit, and resets itself meanwhile: where the exit of
        a function that timed out is handled after the reset, the next invocation is cancelled.
        """
        return self.cause == "ErrGateCanceled" and not self.was_offered

    def read(self, line: str) -> None:
        """Take from one line of the log, at level debug, what it tells."""
        if found := _ERROR_TYPE.search(line):
            self.error_type = found[1]
        elif _TIMEOUT.search(line):
            self.error_type = TIMED_OUT
        elif found := _CAUSE.search(line):
            self.cause = self.cause or found[1]
        elif _OFFERED.search(line):
            self.was_offered = True
        elif (found := _INIT.search(line)) and self.init_milliseconds is None:
            self.init_milliseconds = float(found[1])
