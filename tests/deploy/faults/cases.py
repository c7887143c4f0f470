"""What can go wrong with a deployment, each thing with every request of a scenario.

A case is a plot for the requests of the first run, and what that run may end with. After it the
same is run again, and then all the way back.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import session

from shim.aws.api import Denied, NotFound, NotNow, Refused
from shim.aws.outcome import BY_CODE
from shim.deploy.patience import Stopped
from shim.errors import MachineError
from tests.aws.wire.model import write_error
from tests.deploy.faults.stage import NAME, CountingClock, Stage, connect, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.aws.wire.model import Answer, Call

FOREIGN = "somebody-else"
"""The handler that is set in between, and is in no plan."""

MODEL = session.get_session().get_service_model("lambda")
_UNWRITABLE = 99
"""The exit status of a child that can't write its record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One thing, with the request of one number."""

    fault: str
    number: int
    run: Callable[[Stage], str]
    """Carries the first run out; what is wrong with how it ended, or nothing."""
    foreign: str = ""


def cases(requests: list[str]) -> Iterator[Case]:
    """All of them, for a scenario that sends these requests when nothing goes wrong."""
    for number, operation in enumerate(requests, start=1):
        yield Case(fault="killed before a call", number=number, run=_killed(number, after=False))
        yield Case(fault="killed after a call", number=number, run=_killed(number, after=True))
        for code in _errors(operation):
            yield Case(fault="an error of the model", number=number, run=_error(number, code))
        for carried_out in (False, True):
            name = "no answer, and carried out" if carried_out else "no answer, not carried out"
            yield Case(fault=name, number=number, run=_lost(number, carried_out=carried_out))
        yield Case(fault="throttled five times", number=number, run=_throttled(number, times=5))
        if operation.startswith("UpdateFunction"):
            yield Case(fault="an update that fails", number=number, run=_failing(number))
        yield Case(
            fault="a change by somebody else", number=number, run=_foreign(number), foreign=FOREIGN
        )
    for size in range(1, 1200, 120):
        yield Case(fault="a full disk under the record", number=size, run=_full_disk(size))
    yield Case(fault="a failed update from before", number=0, run=_failed_before)
    yield Case(fault="a clock that leaps by an hour", number=0, run=_leaping)


def _errors(operation: str) -> list[str]:
    return [error.name for error in MODEL.operation_model(operation).error_shapes]


def _error(number: int, code: str) -> Callable[[Stage], str]:
    """It is answered with that error once."""

    def run(stage: Stage) -> str:
        def plot(at: int, call: Call, carry: Callable[[], Answer | None]) -> Answer | None:
            return write_error(call, code, "made to fail") if at == number else carry()

        kind = BY_CODE[code]
        ended = _plotted(stage, plot)
        if issubclass(kind, NotNow) or (kind is NotFound and ended is None):
            # A layer, or what an alias has provisioned, need not be there.
            return "" if ended is None else f"ended with {ended!r}"
        return "" if isinstance(ended, (Refused, NotFound, Denied)) else f"ended with {ended!r}"

    return run


def _lost(number: int, *, carried_out: bool) -> Callable[[Stage], str]:
    def run(stage: Stage) -> str:
        def plot(at: int, call: Call, carry: Callable[[], Answer | None]) -> Answer | None:
            del call
            if at != number:
                return carry()
            if carried_out:
                carry()
            return None

        ended = _plotted(stage, plot)
        return "" if ended is None else f"ended with {ended!r}"

    return run


def _throttled(number: int, *, times: int) -> Callable[[Stage], str]:
    def run(stage: Stage) -> str:
        def plot(at: int, call: Call, carry: Callable[[], Answer | None]) -> Answer | None:
            if number <= at < number + times:
                return write_error(
                    call, "TooManyRequestsException", "rate exceeded", retryAfterSeconds="1"
                )
            return carry()

        ended = _plotted(stage, plot)
        return "" if ended is None else f"ended with {ended!r}"

    return run


def _failing(number: int) -> Callable[[Stage], str]:
    """The update that it begins ends as failed."""

    def run(stage: Stage) -> str:
        def plot(at: int, call: Call, carry: Callable[[], Answer | None]) -> Answer | None:
            del call
            if at == number:
                stage.plane.failing_update = "FunctionError.InitTimeout"
            return carry()

        ended = _plotted(stage, plot)
        told = isinstance(ended, Stopped) and "FunctionError.InitTimeout" in ended.message
        return "" if told else f"ended with {ended!r}"

    return run


def _foreign(number: int) -> Callable[[Stage], str]:
    """Somebody changes the handler just before it, and puts it back after the run."""

    def run(stage: Stage) -> str:
        before: list[str] = []

        def plot(at: int, call: Call, carry: Callable[[], Answer | None]) -> Answer | None:
            del call
            if at == number:
                stage.cloud.sleep(60)
                before.append(stage.plane.get_function(NAME).handler)
                stage.interfere(FOREIGN)
            return carry()

        ended = _plotted(stage, plot)
        stage.cloud.sleep(60)
        now = stage.plane.get_function(NAME).handler
        stage.interfere(before[0])
        if ended is None and stage.is_aliased:
            # What is in $LATEST doesn't matter any more when the version is published.
            return ""
        noticed = isinstance(ended, Stopped) and f"handler {FOREIGN}" in ended.message
        return "" if noticed and now == FOREIGN else f"ended with {ended!r}, handler {now}"

    return run


def _failed_before(stage: Stage) -> str:
    stage.plane.failing_update = "InternalError"
    stage.interfere(stage.scenario.latest.begin.handler)
    ended = stage.run()
    return "" if ended is None else f"ended with {ended!r}"


class _Leaping(CountingClock):
    """The machine sleeps an hour at each pause."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds + 3600)


def _leaping(stage: Stage) -> str:
    # What takes long may be given up, but only after it was looked at: the next run goes on.
    ended = stage.run(clock=_Leaping())
    return "" if ended is None or isinstance(ended, Stopped) else f"ended with {ended!r}"


def _plotted(
    stage: Stage, plot: Callable[[int, Call, Callable[[], Answer | None]], Answer | None]
) -> Any:
    stage.cloud.plot = plot
    try:
        return stage.run()
    finally:
        stage.cloud.plot = None


def _killed(number: int, *, after: bool) -> Callable[[Stage], str]:
    """A process of its own carries the plan out, and gets SIGKILL when the request has come."""

    def run(stage: Stage) -> str:
        begun = threading.Event()

        def plot(at: int, call: Call, carry: Callable[[], Answer | None]) -> Answer | None:
            del call
            if at != number:
                return carry()
            if after:
                carry()
            begun.wait()
            os.kill(process.pid or 0, signal.SIGKILL)
            return None

        process = _process(stage)
        stage.cloud.requests.clear()
        stage.cloud.plot = plot
        process.start()
        begun.set()
        process.join()
        stage.cloud.plot = None
        return "" if process.exitcode == -signal.SIGKILL else f"it ended with {process.exitcode}"

    return run


def _full_disk(size: int) -> Callable[[Stage], str]:
    """No file of the process can have more than `size` bytes: a full disk, for its record."""

    def run(stage: Stage) -> str:
        process = _process(stage, size)
        process.start()
        process.join()
        record = (stage.folder / "record.jsonl").stat().st_size
        is_well = process.exitcode == _UNWRITABLE and record == size
        return "" if is_well else f"it ended with {process.exitcode}, {record} bytes"

    return run


def _process(stage: Stage, size: int = 0) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.deploy.faults.stage", "botocore.session"])
    return context.Process(target=_child, args=(stage.folder, stage.environment, size))


def _child(folder: Path, environment: dict[str, str], size: int) -> None:
    os.environ.update(environment)
    if size:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        run(folder, connect(), clock=CountingClock())
    except MachineError as error:
        os._exit(_UNWRITABLE if "the record can't be written" in error.message else 1)
