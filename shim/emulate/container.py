"""A container engine as the place of emulators: functions in an image, the real runtime's say."""

from __future__ import annotations

import http.client
import os
import shlex
import tarfile
import tempfile
import time
import uuid
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING, Self

from shim.emulate.disarm import disarmed
from shim.emulate.image import Command
from shim.emulate.leftovers import owner
from shim.emulate.pump import Lines
from shim.emulate.session import HOST
from shim.emulate.start import (
    FUNCTION_GROUP,
    FUNCTION_USER,
    TMP_SIZE,
    Layout,
    function_environment,
)
from shim.errors import InputError, MachineError
from shim.package.layered import add_file, lay_over, write_tar
from shim.package.limits import read_limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from shim.arch import Arch
    from shim.emulate.image import Container, Engine, Image
    from shim.emulate.session import Log
    from shim.emulate.start import Start

    Tell = Callable[[str], None]

SHUTDOWN_SECONDS = 3
"""How long extensions get to end; the emulator kills them after two seconds."""

LISTEN_SECONDS, LOG_SECONDS, CLOSE_SECONDS = 60, 20, 30
"""Bounds until the emulator listens, until its log has come, and until the container is gone."""

_PORT, _API = 8080, "127.0.0.1:9001"
_ROOTS = (Layout().task_root, Layout().layer_root)
_OWN = "/.shim"
_EMULATOR, _START = f"{_OWN}/emulator", f"{_OWN}/start"
_READY = b"Runtime API Server listening"
_POLL_SECONDS = 0.02


class Containers:
    """A `Place`, for a `with` statement, at whose end none of its containers is left.

    `image` is pulled where it isn't there, and `progress` shows how far that is; `program` is the
    emulator for the engine's machine; `folder` is for what tells the living from the dead.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        *,
        program: Path,
        folder: Path,
        progress: Callable[[], AbstractContextManager[Tell]] = lambda: nullcontext(_say_nothing),
    ) -> None:
        self._engine, self._name = engine, image
        self._program, self._folder, self._progress = program, folder, progress
        self._images: dict[Arch, Image] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._mark = self._open.enter_context(owner(self._engine, self._folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def open(self, start: Start, *, function_log: Log, emulator_log: Log) -> ContainerEmulator:
        """See `Place`."""
        if start.root:
            raise InputError("a root folder stands in on this machine only, and not in containers")
        image = self._image(start.arch)
        filled = self._fill(start, image)
        try:
            container = self._engine.start(image, _command(start), volumes=filled, mark=self._mark)
        finally:
            # The volumes are the other container's too now, and go with that.
            self._engine.remove(filled)
        return ContainerEmulator(
            container,
            remove=partial(self._engine.remove, container.identity),
            notes=(f"the system is that of {self.system(start.arch)}",),
            function_log=function_log,
            emulator_log=emulator_log,
        )

    def system(self, arch: Arch) -> str:
        """See `Place`."""
        image = self._image(arch)
        return f"the image {image.name} ({image.digest})"

    def _image(self, arch: Arch) -> Image:
        if arch not in self._images:
            with self._progress() as tell:
                self._images[arch] = self._engine.find_image(self._name, arch, tell=tell)
        return self._images[arch]

    def _fill(self, start: Start, image: Image) -> str:
        """A container whose volumes have all that the start takes."""
        with tempfile.NamedTemporaryFile() as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
                self._write(tar, start)
            file.seek(0)
            return self._engine.fill(image, file, (*_ROOTS, _OWN), mark=self._mark)

    def _write(self, tar: tarfile.TarFile, start: Start) -> None:
        left = read_limits().unzipped
        sources = ((start.package,), start.layers)
        for root, packages in zip(_ROOTS, sources, strict=True):
            placed, size = lay_over(packages, limit=left)
            left -= size
            write_tar(placed, tar, root.lstrip("/"), change=partial(disarmed, arch=start.arch))
        add_file(tar, _EMULATOR.lstrip("/"), self._program.read_bytes(), mode=0o755)
        add_file(tar, _START.lstrip("/"), os.fsencode(_start_script(start)), mode=0o644)


class ContainerEmulator:
    """See `Emulator`."""

    def __init__(
        self,
        container: Container,
        *,
        remove: Callable[[], None],
        notes: tuple[str, ...],
        function_log: Log,
        emulator_log: Log,
    ) -> None:
        self.notes, self.port = notes, container.port
        self._container, self._remove = container, remove
        self._ready, self._ended = Event(), Event()
        self._changed = Condition()
        self._mark = uuid.uuid4().hex.encode() + b"\n"
        self._asked = 0

        def read(line: bytes) -> None:
            emulator_log(line)
            if _READY in line:
                self._ready.set()

        self._logs = {1: _Log(function_log, self._mark), 2: _Log(read, self._mark)}
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def await_listening(self) -> None:
        """See `Emulator`."""
        deadline = time.monotonic() + LISTEN_SECONDS
        while time.monotonic() < deadline and not self.wait(0):
            # A native function can be faster than the emulator at opening its second port.
            if self._ready.wait(_POLL_SECONDS) and self._answers():
                return
        raise MachineError("the emulator doesn't listen in its container")

    def wait(self, seconds: float) -> bool:
        """See `Emulator`."""
        return self._ended.wait(seconds)

    def drain(self) -> None:
        """See `Emulator`: what is written after all of that comes back as the last of it."""
        self._asked += 1
        self._container.write(self._mark)
        with self._changed:
            if not self._changed.wait_for(self._is_drained, LOG_SECONDS):
                raise MachineError("the engine doesn't hand on what the container writes")

    def close(self) -> None:
        """See `Emulator`."""
        self._container.end_input()
        if not self._container.await_removal(SHUTDOWN_SECONDS + CLOSE_SECONDS):
            self._remove()
        self._reader.join(CLOSE_SECONDS)
        self._container.close()

    def _answers(self) -> bool:
        """Whether the emulator takes requests: an engine's own end of a port may do so before."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=1)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _is_drained(self) -> bool:
        return self._ended.is_set() or all(log.marks >= self._asked for log in self._logs.values())

    def _read(self) -> None:
        try:
            for stream, data in self._container.output():
                self._logs[stream].feed(data)
                with self._changed:
                    self._changed.notify_all()
        finally:
            for log in self._logs.values():
                log.end()
            self._ended.set()
            with self._changed:
                self._changed.notify_all()


def _say_nothing(_: str) -> None:
    pass


class _Log:
    """One stream of a container, handed on line by line without the marks in it."""

    def __init__(self, log: Log, mark: bytes) -> None:
        self.marks = 0
        self._lines = Lines(log)
        self._mark = mark
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take more of it; what may be a mark's beginning waits."""
        *pieces, rest = (self._rest + data).split(self._mark)
        waiting = next(
            size for size in range(len(self._mark) - 1, -1, -1) if rest.endswith(self._mark[:size])
        )
        self._rest = rest[len(rest) - waiting :]
        if text := b"".join((*pieces, rest[: len(rest) - waiting])):
            self._lines.feed(text)
        self.marks += len(pieces)

    def end(self) -> None:
        """Nothing more comes."""
        if self._rest:
            self._lines.feed(self._rest)
        self._lines.feed(b"")


def _command(start: Start) -> Command:
    """A shell of the image that starts the emulator, and ends it."""
    script = Path(__file__).with_name("container.sh").read_text("utf-8")
    # Without extensions, which are in layers, nothing would be told of the end on Lambda.
    patience = SHUTDOWN_SECONDS if start.layers else 0
    return Command(
        words=("/bin/sh", "-c", script, "sh", str(patience), "sh", _START),
        user=f"{FUNCTION_USER}:{FUNCTION_GROUP}",
        folder=Layout().task_root,
        tmp_size=TMP_SIZE,
        port=_PORT,
    )


def _start_script(start: Start) -> str:
    """What becomes the emulator, for this start.

    The function's variables begin with it: `LD_LIBRARY_PATH`, say, is none for the image's shell.
    """
    layout = Layout()
    if start.runs_handler:
        layout = replace(layout, arguments=(f"{layout.task_root}/{start.handler}",))
    words = (
        *("env", "-i", *map("=".join, function_environment(start, layout).items())),
        *(_EMULATOR, "--log-level", "debug"),
        *("--runtime-interface-emulator-address", f"0.0.0.0:{_PORT}"),
        *("--runtime-api-address", _API),
        *layout.arguments,
    )
    return f"exec {shlex.join(words)}\n"
