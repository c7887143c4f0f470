"""A function under the Runtime Interface Emulator: started, invoked as often as wanted, ended."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from shim.emulate import standin
from shim.emulate.emulator_log import TIMED_OUT, Record, without_own_lines
from shim.emulate.process import Emulator
from shim.emulate.supervisor import Order
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from shim.emulate.fork_server import ForkServer
    from shim.emulate.start import Start

HOST = "127.0.0.1"
PATH = "/2015-03-31/functions/function/invocations"
"""Where the emulator takes events: the API's path, with a name that is always the same."""

LISTEN_SECONDS, ANSWER_SECONDS = 20, 15
"""Bounds until the emulator listens, and for an answer, beyond the function's own timeout."""

NO_QEMU = (
    "install qemu-user with its entry in binfmt_misc; on Debian and Ubuntu that is "
    "`apt-get install qemu-user-static binfmt-support`"
)
_TRIES = 3
_POLL_SECONDS = 0.005
# As the source address it keeps the kernel from connecting a port of this machine to itself.
_OTHER_LOOPBACK = ("127.0.0.2", 0)


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


class Session:
    """One start of a function, for a `with` statement; invoked by one thread at a time.

    `program` is the emulator, `log` gets what the function writes, line by line, `emulator_log`
    what the emulator does. Of many sessions, each starts in a fraction of the time with one open
    `fork_server`. `notes` says what isn't as on Lambda here.
    """

    def __init__(
        self,
        start: Start,
        *,
        program: Path,
        log: Callable[[bytes], None],
        emulator_log: Callable[[bytes], None] = lambda _: None,
        fork_server: ForkServer | None = None,
    ) -> None:
        self.notes: tuple[str, ...] = ()
        self.port = 0
        self._start = start
        self._program = program
        self._fork_server = fork_server
        self._log = log
        self._emulator_log = emulator_log
        self._last_lines: deque[str] = deque(maxlen=20)
        self._record = Record()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        arch = self._start.arch
        if arch != standin.host_arch() and not standin.can_run(arch):
            raise MachineError(f"programs for {arch} don't run on this machine", hint=NO_QEMU)
        for tries_left in reversed(range(_TRIES)):
            self._last_lines.clear()
            try:
                self._call_emulator()
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

    def _call_emulator(self) -> None:
        with _reserved_ports() as (self.port, api_port):
            options = (
                *("--log-level", "debug"),
                *("--runtime-interface-emulator-address", f"{HOST}:{self.port}"),
                *("--runtime-api-address", f"{HOST}:{api_port}"),
            )
            self._emulator = Emulator(
                Order(start=self._start, program=self._program, options=options),
                function_log=self._read_function_line,
                emulator_log=self._read_emulator_line,
                fork_server=self._fork_server,
            )
            self._open.callback(self._emulator.close)
            self.notes = self._emulator.await_start()
            # A native function can be faster than the emulator at opening the second one.
            for port in (self.port, api_port):
                self._await_listening(port)

    def _await_listening(self, port: int) -> None:
        deadline = time.monotonic() + LISTEN_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection((HOST, port), 1, _OTHER_LOOPBACK).close()
                return
            except OSError:
                if self._emulator.wait(_POLL_SECONDS):
                    break
        raise self._failure("the emulator doesn't listen")

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
        return MachineError(f"{what}: {self._program}", hint=f"the last that it said:\n{said}")


@contextmanager
def _reserved_ports() -> Iterator[tuple[int, int]]:
    """Two free ports, kept from everybody else.

    Bound, and not listening, they are given to nobody who asks for a free one; the emulator, which
    names them and allows an address to be used again as every Go program does, can listen there.
    """
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((HOST, 0))
        yield first.getsockname()[1], second.getsockname()[1]


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
