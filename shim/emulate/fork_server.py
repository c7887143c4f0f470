"""A process that has all that a supervisor needs, and becomes one by forking: for many starts.

An interpreter's own start costs more processor time than all the rest of a function's start.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import tempfile
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from shim.emulate import sandbox, supervisor
from shim.emulate.interpreter import interpreter_command

if TYPE_CHECKING:
    from types import TracebackType

_NUMBER_SIZE = 8
_MOST_STREAMS = 4


def main(control: int) -> None:
    """Fork a supervisor for each set of streams that comes through the socket, until it ends.

    First it sends the name of a folder, which it removes at the end, whatever became of shim.
    """
    sandbox.obstacle()  # tried once for all of them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them
    folder = tempfile.mkdtemp(prefix="shim-packages-")
    try:
        with socket.socket(fileno=control) as calls:
            calls.sendall(os.fsencode(folder) + b"\n")
            while streams := socket.recv_fds(calls, 1, _MOST_STREAMS)[1]:
                child = os.fork()
                if child == 0:
                    calls.close()
                    _become_supervisor(streams)
                for stream in streams:
                    os.close(stream)
                calls.sendall(child.to_bytes(_NUMBER_SIZE, "little"))
    except ConnectionError:
        pass  # shim was killed
    finally:
        supervisor.remove(Path(folder))


def _become_supervisor(streams: list[int]) -> None:
    """Be a supervisor on standard input, output, error and the pipe for its status; then end."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for descriptor, stream in enumerate(streams[:3]):
            os.dup2(stream, descriptor)
            os.close(stream)
        supervisor.main(streams[3])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


class Supervisor:
    """A supervisor that was forked, with as much of `Popen` as the emulator's owner needs."""

    def __init__(self, number: int, streams: tuple[IO[bytes], IO[bytes], IO[bytes]]) -> None:
        self.stdin, self.stdout, self.stderr = streams
        self._ended = False
        try:
            self._process = os.pidfd_open(number)
        except ProcessLookupError:
            self._ended = True

    def wait(self, timeout: float | None = None) -> int | None:
        """Return when it has ended; raises `TimeoutExpired` after `timeout` seconds."""
        if not self._ended:
            if not select.select([self._process], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("supervisor", timeout or 0)
            self._ended = True
            os.close(self._process)
        return 0

    def poll(self) -> int | None:
        """0 when it has ended, whatever with; else None."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it at once."""
        if not self._ended:
            signal.pidfd_send_signal(self._process, signal.SIGKILL)


class ForkServer:
    """The process, for a `with` statement; its supervisors live on until their own owners end them.

    `folder` is there as long as it is: for packages that many starts share.
    """

    folder: Path

    def __enter__(self) -> Self:
        self._calls, its_calls = socket.socketpair()
        with its_calls:
            self._process = subprocess.Popen(
                interpreter_command("fork_server", its_calls.fileno()),
                stdin=subprocess.DEVNULL,
                pass_fds=[its_calls.fileno()],
                start_new_session=True,  # a Ctrl-C is for shim, which then closes this in order
            )
        with self._calls.makefile("rb", buffering=0) as answers:
            self.folder = Path(os.fsdecode(answers.readline().removesuffix(b"\n")))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._calls.close()
        self._process.wait()

    def spawn(self, status: int) -> Supervisor:
        """A new supervisor, which has `status` as its pipe for notes and errors."""
        pipes = [os.pipe() for _ in range(3)]
        ours = (pipes[0][1], pipes[1][0], pipes[2][0])
        theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        try:
            socket.send_fds(self._calls, [b"k"], [*theirs, status])
        finally:
            for stream in theirs:
                os.close(stream)
        number = int.from_bytes(self._calls.recv(_NUMBER_SIZE), "little")
        stdin, stdout, stderr = ours
        return Supervisor(
            number,
            (
                os.fdopen(stdin, "wb", buffering=0),
                os.fdopen(stdout, "rb", buffering=0),
                os.fdopen(stderr, "rb", buffering=0),
            ),
        )
