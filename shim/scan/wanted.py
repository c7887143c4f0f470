"""Where functions shall be: runtime and architecture, and what a function is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from shim.check.runtimes import lambda_runtimes
from shim.package.names import BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.package.read import Package


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A runtime and an architecture; None leaves it as it is."""

    runtime: Runtime | None
    arch: Arch | None
    launcher: Package | None = None
    """A layer with a `bootstrap`, for functions that have none: `shim layer` makes it."""

    def __str__(self) -> str:
        name = self.runtime.name if self.runtime else ""
        return f"{name} {self.arch or ''}".strip()

    def state(self, now: State) -> State:
        """What a function that is `now` shall be."""
        there = replace(now, runtime=self.runtime or now.runtime, arch=self.arch or now.arch)
        if self.launcher is None or not _lacks_bootstrap(there):
            return there
        return replace(there, layers=(*there.layers, self.launcher))


def all_wanted(
    runtimes: Sequence[Runtime], arches: Sequence[Arch], *, launcher: Package | None = None
) -> tuple[Wanted, ...]:
    """Every combination; where nothing is said, the newest runtime, the architecture as it is."""
    if not runtimes and not arches:
        runtimes = lambda_runtimes()[:1]
    return tuple(
        Wanted(runtime=runtime, arch=arch, launcher=launcher)
        for runtime, arch in product(runtimes or (None,), arches or (None,))
    )


def _lacks_bootstrap(state: State) -> bool:
    """Whether the runtime asks for one, and it is known that there is none."""
    packages = (state.package, *state.layers)
    is_asked = not (state.runtime.runs_handler or state.absent_layers)
    return is_asked and not any(BOOTSTRAP in package.names for package in packages)
