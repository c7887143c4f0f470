"""Everything that decides whether a function starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.package.read import Package

VARIABLES = frozenset({"AWS_LAMBDA_EXEC_WRAPPER", "LD_LIBRARY_PATH", "PATH"})
"""Of the environment all that a verdict can depend on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A function's package, layers and configuration: what is checked, and a node of every plan."""

    package: Package
    arch: Arch
    runtime: Runtime
    handler: str = ""
    """Empty where none is set."""
    layers: tuple[Package, ...] = ()
    """In the function's order: what a later one has counts."""
    environment: tuple[tuple[str, str], ...] = ()
    """What the user set, by name."""
    absent_layers: tuple[str, ...] = ()
    """Layers that the function has, by name, and that are not at hand: what is in them, nobody
    knows."""

    def variable(self, name: str, default: str = "") -> str:
        """What the user set `name` to."""
        return dict(self.environment).get(name, default)
