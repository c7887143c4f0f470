"""The C compilers that the baselines are built with: the machine's own, and zig from PyPI."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.bench.quiet import run_quietly
from shim.errors import MachineError

if TYPE_CHECKING:
    from pathlib import Path

ZIG_HINT = "pip install 'lambda-shim[bench]'"

_PATIENCE = 600.0
"""Seconds for one build: zig's first one builds musl, Nuitka's takes minutes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiler:
    """A command that compiles C."""

    command: tuple[str, ...]

    def build(self, source: Path, output: Path, flags: tuple[str, ...]) -> None:
        """Compile `source` into the program `output`, optimised and stripped."""
        command = (*self.command, "-O2", "-s", *flags, "-o", str(output), str(source))
        run_builder(command, output, folder=output.parent)


def system_compiler() -> Compiler | None:
    """The machine's own C compiler, where it has one."""
    path = shutil.which("cc") or shutil.which("gcc")
    return Compiler(command=(path,)) if path else None


def zig_compiler() -> Compiler | None:
    """The zig that is installed beside shim, if it is."""
    if importlib.util.find_spec("ziglang") is None:
        return None
    return Compiler(command=(sys.executable, "-m", "ziglang", "cc"))


def run_builder(command: tuple[str, ...], output: Path, *, folder: Path) -> None:
    """Run a compiler in `folder` for `output`; what it complains of becomes the error's words."""
    try:
        done = run_quietly(command, folder=folder, seconds=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{command[0]} could not be run: {error}") from error
    if done.returncode != 0 or not output.exists():
        complaint = _first_complaint(done.stderr or done.stdout)
        raise MachineError(f"the compiler failed (exit status {done.returncode}): {complaint}")


def _first_complaint(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
