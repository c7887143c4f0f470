"""What the commands that start functions share: the emulator, and an orderly end."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shim.cli.cache import used_cache
from shim.cli.terminal import status
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.arch import Arch


_SYSTEMS = {"win32": ("Windows", "use WSL: `wsl shim --help`"), "darwin": ("macOS", None)}


def check_system(what: str, *, system: str = sys.platform) -> None:
    """Raise `MachineError` where no Linux program can be started; `what` would."""
    if system != "linux":
        name, hint = _SYSTEMS.get(system, (system, None))
        raise MachineError(
            f"{what} starts Linux programs, and this is {name}",
            hint=hint
            or "`shim run` and `simulate` do it in containers: docs/reference/run.md#containers",
        )


def find_emulator(given: Path | None, arch: Arch | None = None) -> Path:
    """The emulator's program for `arch`, or this machine; fetched where it isn't there yet."""
    if given:
        if not given.is_file():
            raise InputError(f"there is no such emulator: {given}")
        return given.absolute()
    # What few runs need.
    from shim.emulate import machine, rie

    pin = rie.read_pin(arch or machine.required_host_arch())
    cache = used_cache()
    if program := rie.cached(cache, pin):
        return program
    with status(f"fetching AWS's emulator ({pin.megabytes} MB), this once"):
        return rie.fetch(cache, pin)


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Let a SIGTERM unwind the stack, so that everything is ended in order."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
