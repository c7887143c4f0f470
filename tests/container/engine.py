"""A container engine for the tests.

Where an engine answers, it is taken. Else `dockerd` is started, and ended by whoever of all that
use it is the last, in whatever checkout. It is known by a variable in its environment: one that
somebody else runs is left alone.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker  # type: ignore[import-untyped] # its types are a package of others

from tests.requirements import require
from tests.shared import shared

if TYPE_CHECKING:
    from collections.abc import Iterator

SOCKET = Path("/var/run/docker.sock")
PID_FILE = Path("/var/run/docker.pid")
MARK = {"SHIM_TEST_ENGINE": "1"}
SECONDS = 60
"""How long an engine may take to start or to end."""


@contextmanager
def container_engine(folder: Path) -> Iterator[Any]:
    """A client of the running engine, or of one that runs while anybody has this open."""
    with ExitStack() as stack:
        if not os.environ.get("DOCKER_HOST"):
            log = folder / "dockerd.log"
            stack.enter_context(shared("engine", start=lambda: start_engine(log), end=end_engine))
        client = docker.from_env()
        stack.callback(client.close)
        assert client.ping()
        yield client


def start_engine(log: Path) -> None:
    """See to it that an engine listens."""
    deadline = time.monotonic() + SECONDS
    while listener() is None:
        require(os.geteuid() == 0, "only root can start a container engine")
        require(shutil.which("dockerd") is not None, "no container engine: install docker.io")
        require(time.monotonic() < deadline, f"no container engine starts here: {log}")
        _forget_the_dead()
        # Of two at once, the later one ends by itself: the first may be one whose starter was
        # killed, or one that is ending.
        with log.open("ab") as output:
            subprocess.run(
                ["setsid", "--fork", "dockerd"],
                env={**os.environ, **MARK},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=True,
            )
        _wait_for_one(seconds=5)


def end_engine() -> None:
    """End the engine, if tests started it, and return when it has ended."""
    process = listener()
    if process is None or not _is_ours(process):
        return
    handle = os.pidfd_open(process)
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        # Nobody shall find an engine that is about to end, even if this process is killed now.
        SOCKET.unlink(missing_ok=True)
        ended, _, _ = select.select([handle], [], [], SECONDS)
        assert ended, "the container engine does not end"
    finally:
        os.close(handle)


def listener() -> int | None:
    """The process behind the engine's socket: one that was killed leaves the socket there."""
    with socket.socket(socket.AF_UNIX) as door:
        if door.connect_ex(str(SOCKET)) != 0:
            return None
        told = door.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", told)[0])


def _wait_for_one(*, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while listener() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def _is_ours(process: int) -> bool:
    try:
        environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return all(f"{name}={value}".encode() in environment for name, value in MARK.items())


def _forget_the_dead() -> None:
    """Remove the pid file of an engine that was killed: its number may be another process's now."""
    try:
        name = Path(f"/proc/{int(PID_FILE.read_text())}/comm").read_text()
    except (OSError, ValueError):
        name = ""
    if name.strip() != "dockerd":
        PID_FILE.unlink(missing_ok=True)
