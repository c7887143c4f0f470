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


_SYSTEMS = {"win32": ("Windows", "use WSL: `wsl shim --help`"), "darwin": ("macOS", None)}


def check_system(what: str, *, system: str = sys.platform) -> None:
    """Raise `MachineError` where no Linux program can be started; `what` would."""
    if system != "linux":
        name, hint = _SYSTEMS.get(system, (system, None))
        raise MachineError(
            f"{what} starts Linux programs, and this is {name}",
            hint=hint
            or "run it in a Linux container or machine: docs/reference/run.md#other-systems",
        )


def find_emulator(given: Path | None) -> Path:
    """The emulator's program for this machine, fetched where it isn't there yet."""
    if given:
        if not given.is_file():
            raise InputError(f"there is no such emulator: {given}")
        return given.absolute()
    # What only Linux has: where that is missing, this isn't reached.
    from shim.emulate import rie, standin

    pin = rie.read_pin(standin.required_host_arch())
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
