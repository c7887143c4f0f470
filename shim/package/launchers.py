"""The launchers that came with this installation, and where they go in a package."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from shim import __version__
from shim.errors import MachineError
from shim.package.names import BOOTSTRAP, PRIVATE

if TYPE_CHECKING:
    from collections.abc import Collection

    from shim.arch import Arch

_FOLDER = Path(__file__).parent.parent / "launcher"
_RELEASED = "shim_launchers"
"""Where the distribution lambda-shim-launchers has the full ones, in a folder for its version."""


class Flavour(StrEnum):
    """Lean: the launch path and a short report. Full: the same, and Python that explains."""

    LEAN = "lean"
    FULL = "full"


def launcher(arch: Arch, flavour: Flavour) -> bytes:
    """The native program."""
    path = _find(arch, flavour)
    if path is None:
        raise MachineError(
            f"this installation has no {flavour} launcher for {arch}",
            hint="install shim again: every wheel of it holds the lean launchers"
            if flavour is Flavour.LEAN
            else f"install it: `pip install 'lambda-shim[full]=={__version__}'`; in a clone of shim"
            " build it: `python build/launchers.py --flavour full`; or take the lean one:"
            " `--flavour lean`",
        )
    return path.read_bytes()


def dual_script() -> bytes:
    """The `bootstrap` that starts on both architectures."""
    return (_FOLDER / "dual.sh").read_bytes()


def extension_script() -> bytes:
    """What starts an extension layer's program on both architectures."""
    return (_FOLDER / "extension.sh").read_bytes()


def best_flavour(architectures: Collection[Arch]) -> Flavour:
    """Full where this installation has it for all `architectures`, else lean."""
    is_there = all(_find(arch, Flavour.FULL) for arch in architectures)
    return Flavour.FULL if is_there else Flavour.LEAN


def launcher_files(architectures: Collection[Arch], flavour: Flavour) -> dict[str, bytes]:
    """What makes a package start on `architectures`: programs by their path in it."""
    if len(architectures) == 1:
        (arch,) = architectures
        return {BOOTSTRAP: launcher(arch, flavour)}
    natives = {f"{PRIVATE}/{arch.machine}": launcher(arch, flavour) for arch in architectures}
    return {BOOTSTRAP: dual_script(), **natives}


def _find(arch: Arch, flavour: Flavour) -> Path | None:
    """Beside the sources, where a clone builds them; else what was released with this version."""
    released = find_spec(_RELEASED) if flavour is Flavour.FULL else None
    places = released.submodule_search_locations if released else None
    folders = [_FOLDER / "bin", *(Path(place, __version__) for place in places or ())]
    paths = (folder / f"{flavour}-{arch}" for folder in folders)
    return next(filter(Path.exists, paths), None)
