"""The emulator as a running process, seen from shim: behind a supervisor, its pipes kept empty."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

from shim.emulate.interpreter import interpreter_command
from shim.emulate.pump import Lines, Pump
from shim.emulate.supervisor import SHUTDOWN_MILLISECONDS
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.emulate.fork_server import ForkServer, Supervisor
    from shim.emulate.supervisor import Order

START_SECONDS = 120
"""Bound for unpacking and starting: 250 MB take some seconds."""

CLOSE_SECONDS = SHUTDOWN_MILLISECONDS / 1000 + 30
"""For the supervisor to end everything and, without namespaces, to remove what was unpacked."""


class Process:
    """What `order` asks for, from the call on; the logs are handed on line by line."""

    def __init__(
        self,
        order: Order,
        *,
        function_log: Callable[[bytes], None],
        emulator_log: Callable[[bytes], None],
        fork_server: ForkServer | None = None,
    ) -> None:
        status, its_status = os.pipe()
        with os.fdopen(its_status, "wb"):
            self._supervisor: Supervisor | subprocess.Popen[bytes] = (
                fork_server.spawn(its_status) if fork_server else _new_supervisor(its_status)
            )
        self._status = status
        self._orders = cast("IO[bytes]", self._supervisor.stdin)
        self._pump = Pump(
            {
                cast("IO[bytes]", self._supervisor.stdout): Lines(function_log).feed,
                cast("IO[bytes]", self._supervisor.stderr): Lines(emulator_log).feed,
            }
        )
        self._orders.write(order.encode())

    def await_start(self) -> tuple[str, ...]:
        """Wait until the emulator's program runs, and return the notes on where it does.

        Raises `InputError` for the package and the layers, `MachineError` for the rest.
        """
        notes = []
        for line in self._read_status().splitlines():
            words = json.loads(line)
            match words.get("error"):
                case None:
                    notes.append(words["note"])
                case InputError.__name__:
                    raise InputError(words["message"], hint=words["hint"])
                case _:
                    raise MachineError(words["message"], hint=words["hint"])
        return tuple(notes)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the emulator has ended; returns whether it has."""
        with suppress(subprocess.TimeoutExpired):
            self._supervisor.wait(seconds)
        return self._supervisor.poll() is not None

    def drain(self) -> None:
        """Hand on all that has been written to the logs until now."""
        self._pump.drain()

    def close(self) -> None:
        """End every process of this start, and return when they have ended."""
        self._orders.close()
        try:
            self._supervisor.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        self._pump.join(1)

    def _read_status(self) -> bytes:
        deadline = time.monotonic() + START_SECONDS
        text = b""
        with os.fdopen(self._status, "rb", buffering=0) as pipe:
            while select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
                data = pipe.read(4096)
                if not data:
                    return text
                text += data
        raise MachineError(f"the emulator had not started after {START_SECONDS} seconds")


def _new_supervisor(status: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        interpreter_command("supervisor", status),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=[status],
        start_new_session=True,  # a Ctrl-C is for shim, which then closes this in order
    )
