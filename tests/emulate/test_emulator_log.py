"""What is read from the emulator's own log."""

from __future__ import annotations

from shim.emulate.emulator_log import Record

TOO_LATE = """\
28 Nov 2026 00:12:17,774 [DEBUG] (rapid) invoke: -> POST /2015-03-31/functions/function/invocations
28 Nov 2026 00:12:17,775 [INFO] (rapid) INIT START(type: on-demand, phase: invoke)
28 Nov 2026 00:12:17,775 [INFO] (rapid) INIT REPORT(durationMs: 0.032000)
28 Nov 2026 00:12:17,775 [INFO] (rapid) INVOKE START(requestId: 4ce41f9e-ef0f)
28 Nov 2026 00:12:17,775 [ERROR] (rapid) Invoke failed error=ErrGateCanceled InvokeID=4ce41f9e-ef0f
28 Nov 2026 00:12:17,775 [DEBUG] (rapid) Sending Error Response: Sandbox.Failure
"""
OFFERED = "28 Nov 2026 00:12:17,775 [DEBUG] (rapid) Release runtime condition\n"


def read(text: str) -> Record:
    record = Record()
    for line in text.splitlines(keepends=True):
        record.read(line)
    return record


def test_an_invocation_that_the_function_never_saw_is_told_from_one_that_failed() -> None:
    assert read(TOO_LATE).error_type == "Sandbox.Failure"
    assert read(TOO_LATE).was_cancelled_by_mistake
    assert not read(OFFERED + TOO_LATE).was_cancelled_by_mistake
    assert not read(
        TOO_LATE.replace("ErrGateCanceled", "errResetReceived")
    ).was_cancelled_by_mistake
