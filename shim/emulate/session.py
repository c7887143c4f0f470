"""A function under the Runtime Interface Emulator: started, invoked as often as wanted, ended."""

from __future__ import annotations

import http.client
import json
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from shim.emulate.emulator_log import TIMED_OUT, Record, without_own_lines
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from shim.arch import Arch
    from shim.emulate.start import Start

    Log = Callable[[bytes], None]
    """Gets lines, one by one."""

HOST = "127.0.0.1"
PATH = "/2015-03-31/functions/function/invocations"
"""Where the emulator takes events: the API's path, with a name that is always the same."""

ANSWER_SECONDS = 15
"""Bound for an answer, beyond the function's own timeout."""

_TRIES = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What an invocation gave: the function's own bytes, or the error that a caller would get.

    `init_milliseconds` is there where this invocation started the function.
    """

    payload: bytes
    error_type: str | None
    error_message: str
    seconds: float
    init_milliseconds: float | None


class Emulator(Protocol):
    """One that has been started, with a function in it."""

    notes: tuple[str, ...]
    """What isn't as on Lambda here."""
    port: int
    """Of this machine, where it takes events."""

    def await_listening(self) -> None:
        """Return when it takes events; raises `MachineError` where it ends before."""

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until it has ended; returns whether it has."""

    def drain(self) -> None:
        """Hand on all that has been written to the logs until now."""

    def close(self) -> None:
        """End every process of this start, and return when they have ended."""


class Place(Protocol):
    """Where emulators are started: on this machine, or in containers."""

    def system(self, arch: Arch) -> str | None:
        """What functions see in place of this machine's own system; None where they see that."""

    def open(self, start: Start, *, function_log: Log, emulator_log: Log) -> Emulator:
        """Start one; it has to be closed, whatever it comes to."""


class Session:
    """One start of a function, for a `with` statement; invoked by one thread at a time.

    `log` gets what the function writes, line by line, `emulator_log` what the emulator does.
    `notes` says what isn't as on Lambda here.
    """

    _emulator: Emulator

    def __init__(
        self,
        start: Start,
        *,
        place: Place,
        log: Log,
        emulator_log: Log = lambda _: None,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self.port = 0
        self._start = start
        self._place = place
        self._log = log
        self._emulator_log = emulator_log
        self._last_lines: deque[str] = deque(maxlen=20)
        self._record = Record()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        for tries_left in reversed(range(_TRIES)):
            self._last_lines.clear()
            try:
                self._open_emulator()
                break
            except MachineError:
                self.close()
                # Somebody took a port that was free a moment ago.
                if not tries_left or "address already in use" not in "".join(self._last_lines):
                    raise
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def invoke(self, event: bytes) -> Answer:
        """Send `event`, JSON, and wait for what comes back; a function's error is an answer too.

        Raises `MachineError` where the emulator itself is gone.
        """
        for _ in range(_TRIES - 1):
            answer, record = self._post(event)
            if not record.was_cancelled_by_mistake:
                return answer
        return self._post(event)[0]

    def _post(self, event: bytes) -> tuple[Answer, Record]:
        """Send it once; with what the emulator's log says of it."""
        self.take_record()
        patience = self._start.timeout + ANSWER_SECONDS
        connection = http.client.HTTPConnection(HOST, self.port, timeout=patience)
        begin = time.perf_counter()
        try:
            connection.request("POST", PATH, event, {"Content-Type": "application/json"})
            response = connection.getresponse()
            payload = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"the emulator gave no answer ({error!r})") from error
        finally:
            connection.close()
        seconds = time.perf_counter() - begin
        record = self.take_record()
        return _answer(payload, record, status=response.status, seconds=seconds), record

    def take_record(self) -> Record:
        """What the emulator told since the last call."""
        self._emulator.drain()
        record, self._record = self._record, Record()
        return record

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the emulator has ended; returns whether it has."""
        return self._emulator.wait(seconds)

    def close(self) -> None:
        """End every process of this start, and return when they have ended."""
        self._open.close()

    def _open_emulator(self) -> None:
        self._emulator = self._place.open(
            self._start,
            function_log=self._read_function_line,
            emulator_log=self._read_emulator_line,
        )
        self._open.callback(self._emulator.close)
        self.port, self.notes = self._emulator.port, self._emulator.notes
        try:
            self._emulator.await_listening()
        except MachineError as error:
            raise self._failure(error.message) from error

    def _read_function_line(self, line: bytes) -> None:
        if line := without_own_lines(line):
            self._log(line)

    def _read_emulator_line(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        self._last_lines.append(text)
        self._record.read(text)
        self._emulator_log(line)

    def _failure(self, what: str) -> MachineError:
        self._emulator.drain()
        said = "".join(self._last_lines) or "nothing"
        return MachineError(what, hint=f"the last that it said:\n{said}")


def _answer(payload: bytes, record: Record, *, status: int, seconds: float) -> Answer:
    said = _error_fields(payload)
    kind = said.get("errorType") or record.error_type or f"HTTP status {status}"
    message = said.get("errorMessage") or record.cause or ""
    is_error = record.error_type is not None or status != http.HTTPStatus.OK
    if record.error_type == TIMED_OUT:
        kind, message, payload = TIMED_OUT, payload.decode(errors="replace"), b""
    if is_error and not payload:
        # The emulator leaves out what Lambda's own caller gets.
        payload = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return Answer(
        payload=payload,
        error_type=kind if is_error else None,
        error_message=message if is_error else "",
        seconds=seconds,
        init_milliseconds=record.init_milliseconds,
    )


def _error_fields(payload: bytes) -> dict[str, str]:
    """The strings in the JSON object `payload`; none where it is something else."""
    try:
        words: Any = json.loads(payload)
    except ValueError:
        return {}
    items = words.items() if isinstance(words, dict) else ()
    return {name: value for name, value in items if isinstance(value, str)}
