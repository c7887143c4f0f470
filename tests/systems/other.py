"""shim as it would run on another system: what isn't there is taken away from Python first.

What a system has is what typeshed, which mypy brings, says of it. Paths stay this system's own.

    python -m tests.systems.other win32 'check function.zip' 'plan --help'
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MODULES = ("errno", "fcntl", "grp", "os", "pwd", "resource", "select", "signal", "termios", "time")
"""Those that differ between systems."""

_BOUND_EARLY = (
    *("concurrent.futures", "docker", "filelock", "rich.console", "subprocess", "tempfile"),
    "urllib.request",
)
"""Modules of libraries that choose by the system when they are imported: here, by this one."""


def take_away(system: str) -> None:
    """Leave of `MODULES` what `system` has, for everything that is imported from now on."""
    for name in _BOUND_EARLY:
        importlib.import_module(name)
    for name in MODULES:
        module, there = importlib.import_module(name), names_on(system, name)
        if not there:
            sys.modules[name] = None  # type: ignore[assignment] # so that its import fails
            continue
        for attribute in names_on("linux", name) - there:
            # Not every Linux has all of it.
            if hasattr(module, attribute):
                delattr(module, attribute)
    sys.platform = system


def names_on(system: str, module: str) -> frozenset[str]:
    """What `module` has on `system`, as it is spelt there."""
    spec = importlib.util.find_spec("mypy")
    assert spec is not None
    assert spec.origin is not None
    stubs = Path(spec.origin).parent / "typeshed/stdlib"
    path = next(
        path for path in (stubs / f"{module}.pyi", stubs / module / "__init__.pyi") if path.exists()
    )
    return frozenset(_defined(ast.parse(path.read_text("utf-8")).body, system))


def _defined(statements: Iterable[ast.stmt], system: str) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname for alias in aliases if alias.asname)
            case ast.If(test=test, body=body, orelse=orelse):
                yield from _defined(body if _holds(test, system) else orelse, system)
            case _:  # nothing that has a name
                pass


def _holds(test: ast.expr, system: str) -> bool:
    """What a condition on `sys.platform` or `sys.version_info` comes to."""
    known = {"sys": _Sys(system)}
    return bool(eval(ast.unparse(test), {"__builtins__": {}}, known))  # noqa: S307 - of typeshed


class _Sys:
    version_info = sys.version_info

    def __init__(self, platform: str) -> None:
        self.platform = platform


if __name__ == "__main__":
    take_away(sys.argv[1])
    from shim.cli.main import main

    status = 0
    for line in sys.argv[2:]:
        with suppress(SystemExit):  # argparse's, of --help
            status = max(status, main(shlex.split(line)))
    sys.exit(status)
