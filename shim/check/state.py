"""Everything that decides whether a function starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.package.read import Package

VARIABLES = frozenset({"AWS_LAMBDA_EXEC_WRAPPER", "LD_LIBRARY_PATH", "PATH"})
"""Of the environment all that a verdict can depend on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A function's package, layers and configuration."""

    package: Package
    arch: Arch
    runtime: Runtime
    handler: str | None
    layers: tuple[Package, ...] = ()
    """In the function's order: what a later one has counts."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What the user set."""
    day: date | None = None
    """The day that the runtime's dates are held against; None leaves them out."""
