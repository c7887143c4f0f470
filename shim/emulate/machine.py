"""Which architecture this machine has, and which one a package is for; on every system."""

from __future__ import annotations

import platform
from contextlib import suppress
from typing import TYPE_CHECKING

from shim.arch import SPELLINGS, Arch
from shim.elf import HEADER_SIZE, ElfInvalid, read_header
from shim.errors import MachineError
from shim.package.extract import read_head

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def host_arch() -> Arch | None:
    """This machine's architecture; None where Lambda has none like it."""
    return SPELLINGS.get(platform.machine().lower())


def required_host_arch() -> Arch:
    """This machine's architecture, for which there must be an emulator."""
    if arch := host_arch():
        return arch
    raise MachineError(f"there is no AWS emulator for a machine like this: {platform.machine()}")


def default_arch(package: Path, layers: Sequence[Path]) -> Arch:
    """The architecture of the `bootstrap` that Lambda would start, else this machine's own."""
    for source in (package, *reversed(layers)):
        if head := read_head(source, "bootstrap", HEADER_SIZE):
            with suppress(ElfInvalid):
                return read_header(head).arch or required_host_arch()
            break
    return required_host_arch()
