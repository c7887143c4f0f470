"""A function's state: a node of every plan, hashable, and what the verdict on it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.check.state import State as CheckedState

if TYPE_CHECKING:
    from datetime import date

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.package.read import Package


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Everything that decides whether a function starts, and that one of the two calls changes."""

    package: Package
    arch: Arch
    runtime: Runtime
    handler: str
    layers: tuple[Package, ...] = ()
    """In the function's order."""
    environment: tuple[tuple[str, str], ...] = ()
    """What the user set, by name."""

    def as_checked(self, day: date | None = None) -> CheckedState:
        """The same for `shim.check.verdict`; `day` is what the runtime's dates are held against."""
        return CheckedState(
            package=self.package,
            arch=self.arch,
            runtime=self.runtime,
            handler=self.handler,
            layers=self.layers,
            environment=dict(self.environment),
            day=day,
        )
