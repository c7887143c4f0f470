"""Verdicts on every state that a package could be in: each handler, architecture and runtime."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shim.check.go import check_go, go_programs
from shim.check.verdict import Answer, find_handlers, verdict, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.arch import Arch
    from shim.check.findings import Finding, Severity
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.check.verdict import Verdict
    from shim.package.executables import GoProgram

HANDLERS_LIMIT = 200
"""Handlers that are looked at where none was named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """One package's verdicts."""

    verdicts: tuple[Verdict, ...]
    findings: Mapping[Finding, tuple[State, ...]]
    """Each finding once, the worst first, with the states that it was found in: the verdicts', and
    what else is worth knowing."""
    deciding: frozenset[Runtime]
    """The runtimes that decide: what starts only in the others is not said to start."""
    left_out: int = 0
    """Handlers beyond the limit."""
    function: str = ""
    """What a template calls it, and where; empty where none does."""
    go_programs: Mapping[str, GoProgram] = field(default_factory=dict)
    """Those that are started, by location: `package.zip!/bootstrap`."""

    @property
    def answer(self) -> Answer:
        """Whether each handler starts in one at least of the states that decide.

        A handler that starts nowhere, and of which it is unknown somewhere, is unknown.
        """
        best: dict[str, Answer] = {}
        for one in self.verdicts:
            known = best.setdefault(one.state.handler, Answer.FAILS)
            if one.state.runtime in self.deciding and one.answer.rank < known.rank:
                best[one.state.handler] = one.answer
        return worst(best.values())

    def count(self, severity: Severity) -> int:
        """How many findings of one severity there are."""
        return sum(finding.severity is severity for finding in self.findings)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unchecked:
    """A function of a template that there is no verdict on, and why."""

    function: str
    reason: str


def survey(
    state: State,
    *,
    architectures: Iterable[Arch],
    runtimes: Iterable[Runtime],
    handler: str | None = None,
    day: date | None = None,
    function: str = "",
    may_inflate: bool = False,
) -> Survey:
    """Verdicts on `state`'s package in each architecture and runtime.

    Without a handler, on each that the package has. With a day, the runtimes that are still
    supported then decide; without one, or where none is, all of them. `may_inflate` is for
    `check_go`.
    """
    runtimes = tuple(runtimes)
    supported = [one for one in runtimes if day and one.support_ends and one.support_ends >= day]
    pairs = [
        (runtime, arch)
        for runtime in runtimes
        for arch in architectures
        if arch in runtime.architectures or len(runtimes) == 1
    ]
    handlers: tuple[str, ...] = (handler or "",)
    if handler is None:
        # What runs the handler itself finds one wherever there is a program.
        found = {
            handler: None
            for runtime, _ in pairs
            for handler in find_handlers(replace(state, runtime=runtime))
        }
        handlers = tuple(found) or ("",)
    verdicts = [
        verdict(
            replace(state, handler=handler, runtime=runtime, arch=arch),
            # Among several runtimes, all else would be lost among the older ones' dates.
            day=day if len(runtimes) == 1 else None,
        )
        for handler in handlers[:HANDLERS_LIMIT]
        for runtime, arch in pairs
    ]
    return Survey(
        verdicts=tuple(verdicts),
        findings=_findings(verdicts, may_inflate=may_inflate),
        deciding=frozenset(supported or runtimes),
        left_out=max(0, len(handlers) - HANDLERS_LIMIT),
        function=function,
        go_programs=go_programs((one.state for one in verdicts), may_inflate=may_inflate),
    )


def _findings(
    verdicts: Iterable[Verdict], *, may_inflate: bool
) -> Mapping[Finding, tuple[State, ...]]:
    states: dict[Finding, list[State]] = {}
    for one in verdicts:
        for finding in (*one.findings, *check_go(one.state, may_inflate=may_inflate)):
            states.setdefault(finding, []).append(one.state)
    ordered = sorted(states, key=lambda finding: finding.severity.rank)
    return {finding: tuple(states[finding]) for finding in ordered}
