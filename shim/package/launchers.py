"""The launchers that came with this installation, and where they go in a package."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import MachineError
from shim.package.names import BOOTSTRAP, PRIVATE

if TYPE_CHECKING:
    from collections.abc import Collection

    from shim.arch import Arch

_FOLDER = Path(__file__).parent.parent / "launcher"


class Flavour(StrEnum):
    """Lean: the launch path and a short report. Full: the same, and Python that explains."""

    LEAN = "lean"
    FULL = "full"


def launcher(arch: Arch, flavour: Flavour) -> bytes:
    """The native program."""
    try:
        return (_FOLDER / "bin" / f"{flavour}-{arch}").read_bytes()
    except FileNotFoundError as error:
        raise MachineError(
            f"this installation has no {flavour} launcher for {arch}",
            hint="install shim again: every wheel of it holds the lean launchers"
            if flavour is Flavour.LEAN
            else "take the lean one: `--flavour lean`; or, in a clone of shim, build it:"
            " `python build/launchers.py --flavour full`",
        ) from error


def dual_script() -> bytes:
    """The `bootstrap` that starts on both architectures."""
    return (_FOLDER / "dual.sh").read_bytes()


def extension_script() -> bytes:
    """What starts an extension layer's program on both architectures."""
    return (_FOLDER / "extension.sh").read_bytes()


def best_flavour(architectures: Collection[Arch]) -> Flavour:
    """Full where this installation has it for all `architectures`, else lean."""
    built = all((_FOLDER / "bin" / f"{Flavour.FULL}-{arch}").exists() for arch in architectures)
    return Flavour.FULL if built else Flavour.LEAN


def launcher_files(architectures: Collection[Arch], flavour: Flavour) -> dict[str, bytes]:
    """What makes a package start on `architectures`: programs by their path in it."""
    if len(architectures) == 1:
        (arch,) = architectures
        return {BOOTSTRAP: launcher(arch, flavour)}
    natives = {f"{PRIVATE}/{arch.machine}": launcher(arch, flavour) for arch in architectures}
    return {BOOTSTRAP: dual_script(), **natives}
