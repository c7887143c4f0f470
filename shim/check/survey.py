"""Verdicts on every state that a package could be in: each handler, architecture and runtime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.check.verdict import find_handlers, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shim.arch import Arch
    from shim.check.findings import Finding, Severity
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.check.verdict import Verdict

HANDLERS_LIMIT = 200
"""Handlers that are looked at where none was named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """One package's verdicts."""

    verdicts: tuple[Verdict, ...]
    left_out: int = 0
    """Handlers beyond the limit."""

    @property
    def starts(self) -> bool:
        """Whether each handler starts in one at least of the states that were asked for."""
        started: dict[str | None, bool] = {}
        for one in self.verdicts:
            handler = one.state.handler
            started[handler] = started.get(handler, False) or one.starts
        return all(started.values())

    @property
    def findings(self) -> dict[Finding, tuple[State, ...]]:
        """Each finding once, the worst first, with the states that it was found in."""
        states: dict[Finding, list[State]] = {}
        for one in self.verdicts:
            for finding in one.findings:
                states.setdefault(finding, []).append(one.state)
        ordered = sorted(states, key=lambda finding: finding.severity.rank)
        return {finding: tuple(states[finding]) for finding in ordered}

    def count(self, severity: Severity) -> int:
        """How many findings of one severity there are."""
        return sum(finding.severity is severity for finding in self.findings)


def survey(state: State, *, architectures: Iterable[Arch], runtimes: Iterable[Runtime]) -> Survey:
    """Verdicts on `state`'s package in each architecture and runtime.

    Where the state names no handler, on each that the package has.
    """
    runtimes = tuple(runtimes)
    pairs = [
        (runtime, arch)
        for runtime in runtimes
        for arch in architectures
        if arch in runtime.architectures or len(runtimes) == 1
    ]
    handlers: tuple[str | None, ...] = (state.handler,)
    if state.handler is None:
        # What runs the handler itself finds one wherever there is a program.
        found = {
            handler: None
            for runtime, _ in pairs
            for handler in find_handlers(replace(state, runtime=runtime))
        }
        handlers = tuple(found) or (None,)
    verdicts = [
        verdict(replace(state, handler=handler, runtime=runtime, arch=arch))
        for handler in handlers[:HANDLERS_LIMIT]
        for runtime, arch in pairs
    ]
    return Survey(verdicts=tuple(verdicts), left_out=max(0, len(handlers) - HANDLERS_LIMIT))
