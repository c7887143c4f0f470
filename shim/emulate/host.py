"""This machine as the place of emulators: its root folder, or another one, in namespaces."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from shim.emulate import machine, standin
from shim.emulate.fork_server import ForkServer
from shim.emulate.process import Process
from shim.emulate.session import HOST
from shim.emulate.supervisor import Order
from shim.errors import MachineError
from shim.package.extract import unpack
from shim.package.limits import read_limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.arch import Arch
    from shim.emulate.session import Log
    from shim.emulate.start import Start

LISTEN_SECONDS = 20
"""Bound until the emulator listens."""

NO_QEMU = (
    "install qemu-user with its entry in binfmt_misc; on Debian and Ubuntu that is "
    "`apt-get install qemu-user-static binfmt-support`"
)
_POLL_SECONDS = 0.005
# As the source address it keeps the kernel from connecting a port of this machine to itself.
_OTHER_LOOPBACK = ("127.0.0.2", 0)


@dataclass(kw_only=True, slots=True)
class Host:
    """Starts emulators here; `program` is the emulator's.

    Of many, each starts in a fraction of the time with one open `fork_server`, which has room for
    packages that many share.
    """

    program: Path
    fork_server: ForkServer | None = None
    _unpacked: dict[Path, Path] = field(default_factory=dict)

    def system(self, _: Arch) -> None:
        """See `Place`."""

    def open(self, start: Start, *, function_log: Log, emulator_log: Log) -> HostEmulator:
        """See `Place`."""
        if start.arch != machine.host_arch() and not standin.can_run(start.arch):
            raise MachineError(f"programs for {start.arch} don't run on this machine", hint=NO_QEMU)
        if self.fork_server:
            share = partial(self._unpack, self.fork_server.folder)
            package, *layers = map(share, (start.package, *start.layers))
            start = replace(start, package=package, layers=tuple(layers))
        with ExitStack() as stack:
            own, api = stack.enter_context(_reserved_ports())
            options = (
                *("--log-level", "debug"),
                *("--runtime-interface-emulator-address", f"{HOST}:{own}"),
                *("--runtime-api-address", f"{HOST}:{api}"),
            )
            process = Process(
                Order(start=start, program=self.program, options=options),
                function_log=function_log,
                emulator_log=emulator_log,
                fork_server=self.fork_server,
            )
            stack.callback(process.close)
            notes = process.await_start()
            return HostEmulator(
                process=process, notes=notes, port=own, api=api, reserved=stack.pop_all()
            )

    def _unpack(self, into: Path, package: Path) -> Path:
        """The package's files, unpacked once for all of its starts."""
        if package not in self._unpacked:
            folder = into / str(len(self._unpacked))
            folder.mkdir()
            unpack(package, folder, limit=read_limits().unzipped)
            self._unpacked[package] = folder
        return self._unpacked[package]


@contextmanager
def shared_host(program: Path) -> Iterator[Host]:
    """This machine for many starts."""
    with ForkServer() as fork_server:
        yield Host(program=program, fork_server=fork_server)


@dataclass(kw_only=True, slots=True)
class HostEmulator:
    """See `Emulator`."""

    process: Process
    notes: tuple[str, ...]
    port: int
    api: int
    """The port where the function asks for events."""
    reserved: ExitStack
    """Keeps both ports from everybody else until the emulator has them; then ends the process."""

    def await_listening(self) -> None:
        """See `Emulator`; a native function can be faster than it at opening its second port."""
        for port in (self.port, self.api):
            self._await_port(port)

    def wait(self, seconds: float) -> bool:
        """See `Emulator`."""
        return self.process.wait(seconds)

    def drain(self) -> None:
        """See `Emulator`."""
        self.process.drain()

    def close(self) -> None:
        """See `Emulator`."""
        self.reserved.close()

    def _await_port(self, port: int) -> None:
        deadline = time.monotonic() + LISTEN_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection((HOST, port), 1, _OTHER_LOOPBACK).close()
                return
            except OSError:
                if self.process.wait(_POLL_SECONDS):
                    break
        raise MachineError("the emulator doesn't listen")


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
