"""A process on a terminal of its own, as wide as wanted."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_SECONDS = 60


@dataclass(kw_only=True, slots=True)
class Terminal:
    """What was shown so far, and not yet waited for."""

    descriptor: int
    shown: str = ""

    def send(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def wait_for(self, *parts: str) -> None:
        """Until all of these were shown; what comes afterwards is kept."""
        deadline = time.monotonic() + _SECONDS
        while not all(part in self.shown for part in parts):
            assert time.monotonic() < deadline, f"not shown: {parts}\n{self.shown}"
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.shown += os.read(self.descriptor, 4096).decode(errors="replace")
        self.shown = ""

    def read(self) -> str:
        """All that is shown, to the end of the process."""
        with suppress(OSError):  # EIO: nobody has it open any more
            while piece := os.read(self.descriptor, 4096):
                self.shown += piece.decode(errors="replace")
        return self.shown


@contextmanager
def on_terminal(
    command: Sequence[str | Path], *, columns: int = 80, environment: Mapping[str, str]
) -> Iterator[Terminal]:
    """Start it; what has not ended with the block is ended then."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    variables = {**os.environ, "TERM": "xterm", **environment}
    for name in ("COLUMNS", "LINES"):
        variables.pop(name, None)
    with subprocess.Popen(
        command, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(descriptor=ours)
        finally:
            os.close(ours)
            process.kill()
