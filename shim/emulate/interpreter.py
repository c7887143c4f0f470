"""How a module of this room is run as a process: without Python's `site`, which takes its time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import shim

_CODE = (
    "import sys; own, *others = sys.argv[1].split({separator!r}); "
    "sys.path[:] = [own, *sys.path, *others]; "
    "from shim.emulate import {module}; {module}.main(int(sys.argv[2]))"
)


def interpreter_command(module: str, descriptor: int) -> list[str]:
    """Words that call the module's `main`, which can import whatever this process can.

    Where shim stands in its own tree, the packages that it needs are somewhere else.
    """
    folders = [str(Path(shim.__path__[0]).parent), *filter(None, sys.path)]
    code = _CODE.format(module=module, separator=os.pathsep)
    return [sys.executable, "-I", "-S", "-c", code, os.pathsep.join(folders), str(descriptor)]
