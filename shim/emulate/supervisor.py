"""A process between shim and the emulator that ends all of it, whatever becomes of shim.

`shim.emulate.session` starts it with one line of JSON on standard input, which stays open: its
end, which comes too when shim is killed, is the word to stop.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from shim.arch import Arch
from shim.emulate import linux, sandbox
from shim.emulate.start import Start, function_environment
from shim.errors import MachineError, ShimError

SHUTDOWN_MILLISECONDS = 3000
"""How long extensions get to end; the emulator kills them after two seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a supervisor is to start: the emulator `program`, with `options`, for the function."""

    start: Start
    program: Path
    options: tuple[str, ...]

    def encode(self) -> bytes:
        """The line of JSON for a supervisor's standard input."""
        return json.dumps(asdict(self), default=os.fspath).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Order:
        """The order that `encode` made `line` of."""
        words = json.loads(line)
        start = words["start"]
        start["package"] = Path(start["package"])
        start["layers"] = tuple(map(Path, start["layers"]))
        start["arch"] = Arch(start["arch"])
        start["root"] = Path(start["root"]) if start["root"] else None
        return cls(
            start=Start(**start),
            program=Path(words["program"]),
            options=tuple(words["options"]),
        )


def main(status: int) -> None:
    """Start what standard input orders and end with it.

    The pipe `status` gets lines of JSON, notes and errors, and ends when the emulator has started.
    """
    os.umask(0o022)
    fcntl.fcntl(status, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    with os.fdopen(0, "rb", buffering=0, closefd=False) as words:
        order = Order.decode(words.readline())
    linux.adopt_orphans()
    obstacle = sandbox.obstacle()
    folder = Path(tempfile.mkdtemp(prefix="shim-run-")) if obstacle else None
    try:
        if not folder:
            sandbox.leave_host()
        parent, held_open = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(held_open)
            _become_emulator(order, folder, obstacle=obstacle, parent=parent, status=status)
        os.close(status)
        # Without extensions, which are in layers, nothing would be told of the end on Lambda.
        _wait_for_the_end(child, patience=SHUTDOWN_MILLISECONDS if order.start.layers else 0)
        _end_all(child)
    finally:
        if folder:
            remove(folder)


def _become_emulator(
    order: Order, folder: Path | None, *, obstacle: str | None, parent: int, status: int
) -> NoReturn:
    """Be the emulator in its root, or in `folder` if there is an `obstacle` to that; or end.

    The pipe `parent` is open as long as the supervisor lives.
    """
    try:
        # The first process of a namespace gets no signal that it has no handler for.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(1))
        program = os.open(order.program, os.O_RDONLY)
        if folder:
            layout = sandbox.fill_folder(order.start, folder, obstacle=str(obstacle))
        else:
            layout = sandbox.enter_root(order.start)
        for note in layout.notes:
            _tell(status, note=note)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        linux.die_with_parent(signal.SIGKILL)
        if not select.select([parent], [], [], 0)[0]:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            words = [order.program.name, *order.options, *layout.arguments]
            os.execve(program, words, function_environment(order.start, layout))
    except ShimError as error:
        _tell(status, error=type(error).__name__, message=error.message, hint=error.hint)
    except OSError as error:
        message = f"the emulator can't be started ({error}): {order.program}"
        _tell(status, error=MachineError.__name__, message=message, hint=None)
    except Exception:  # whatever it is, the process that was forked must end here
        traceback.print_exc()
    os._exit(1)


def _tell(status: int, **words: str | None) -> None:
    os.write(status, json.dumps(words).encode() + b"\n")


def _wait_for_the_end(child: int, *, patience: int) -> None:
    """Return when `child` or standard input has ended, and extensions have had their `patience`."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(ended, select.POLLIN)
    if ended not in dict(poll.poll()) and patience:
        os.kill(child, signal.SIGTERM)
        poll.unregister(0)
        poll.poll(patience)


def _end_all(emulator: int) -> None:
    """Kill every process below this one, the `emulator` last, and wait until they have ended.

    Halted, it keeps its connections open: the function has no time to complain about their end.
    """
    os.kill(emulator, signal.SIGSTOP)
    while True:
        for process in sorted(_descendants(), key=emulator.__eq__):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _descendants() -> set[int]:
    """Every process below this one; those that lost their parent are children of ours."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, can hold anything; the parent is the second field behind it.
            fields = status.read_bytes().rpartition(b")")[2].split()
            parents[int(status.parent.name)] = int(fields[1])
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def remove(folder: Path) -> None:
    """Remove `folder`, whatever modes the package gave to the folders in it."""
    for parent, folders, _ in os.walk(folder):
        for path in (Path(parent, name) for name in folders):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder)
