"""Keeps the pipes of a running process empty, and can say when they are."""

from __future__ import annotations

import os
import select
import threading
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK = 1 << 16


class Lines:
    """Cuts bytes into lines, each with its end; what has none yet waits for more."""

    def __init__(self, sink: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Hand on each line that `data` completes; no data is the end, and completes the last."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._sink(line + b"\n")
        if not data and self._rest:
            self._sink(self._rest)


class Pump:
    """Hands what arrives in each pipe to its sink, from a thread of its own, to the pipes' end.

    A sink gets no bytes at all once, at the end.
    """

    def __init__(self, sinks: Mapping[IO[bytes], Callable[[bytes], None]]) -> None:
        self._sinks = dict(sinks)
        self._lock = threading.Lock()
        for pipe in sinks:
            os.set_blocking(pipe.fileno(), False)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Return when all that had been written before the call has gone to its sink."""
        with self._lock:
            for pipe in list(self._sinks):
                self._empty(pipe)

    def join(self, timeout: float) -> None:
        """Wait, at most `timeout` seconds, until every pipe has ended."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while pipes := list(self._sinks):
            select.select(pipes, [], [])
            self.drain()

    def _empty(self, pipe: IO[bytes]) -> None:
        while True:
            try:
                data = os.read(pipe.fileno(), _CHUNK)
            except BlockingIOError:
                return
            self._sinks[pipe](data)
            if not data:
                del self._sinks[pipe]
                pipe.close()
                return
