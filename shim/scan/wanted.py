"""Where functions shall be: runtime and architecture, and what a function is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from shim.check.runtimes import lambda_runtimes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.check.state import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A runtime and an architecture; None leaves it as it is."""

    runtime: Runtime | None
    arch: Arch | None

    def __str__(self) -> str:
        name = self.runtime.name if self.runtime else ""
        return f"{name} {self.arch or ''}".strip()

    def state(self, now: State) -> State:
        """What a function that is `now` shall be."""
        return replace(now, runtime=self.runtime or now.runtime, arch=self.arch or now.arch)


def all_wanted(runtimes: Sequence[Runtime], arches: Sequence[Arch]) -> tuple[Wanted, ...]:
    """Every combination; where nothing is said, the newest runtime, the architecture as it is."""
    if not runtimes and not arches:
        runtimes = lambda_runtimes()[:1]
    return tuple(
        Wanted(runtime=runtime, arch=arch)
        for runtime, arch in product(runtimes or (None,), arches or (None,))
    )
