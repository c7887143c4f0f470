"""Sandboxes that start when the verdict says so: no process runs, for speed.

Where it is unknown whether a state starts, so is what its sandboxes' callers get.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.check.findings import Severity
from shim.simulate.sandboxes import Outcome

if TYPE_CHECKING:
    from shim.check.findings import Finding
    from shim.check.state import State
    from shim.check.verdicts import Verdicts

_BY_LAUNCHER = {
    "handler-unset": "Runtime.HandlerUnset",
    "handler-invalid": "Runtime.HandlerInvalid",
    "handler-is-launcher": "Runtime.HandlerIsLauncher",
    "handler-missing": "Runtime.HandlerNotFound",
    "handler-not-executable": "Runtime.HandlerNotExecutable",
    "handler-directory": "Runtime.HandlerNotExecutable",
    "handler-wrong-architecture": "Runtime.WrongArchitecture",
    "interpreter-missing": "Runtime.InterpreterMissing",
}
"""What our launcher reports (docs/reference/errors.md); a script there only exits."""

_BY_LINKER = ("glibc-", "libstdcxx-", "library-")
"""The dynamic linker ends the process before it has asked for work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictSandbox:
    """Answers, or fails, always the same."""

    outcome: Outcome

    def invoke(self) -> Outcome:
        """See `Sandbox`."""
        return self.outcome

    def close(self) -> None:
        """See `Sandbox`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictStarter:
    """A `Starter` that asks for verdicts."""

    verdicts: Verdicts

    def start(self, state: State) -> VerdictSandbox:
        """See `Starter`."""
        finding = self.verdicts.verdict(state).reason
        return VerdictSandbox(
            outcome=outcome_of(finding, state) if finding else Outcome(error_type=None)
        )


def outcome_of(finding: Finding, state: State) -> Outcome:
    """What a caller would most likely get where this was found in `state`."""
    message = f"{finding.code}: {finding.sentence}"
    if finding.severity is Severity.UNKNOWN:
        return Outcome(error_type=None, message=message, is_unknown=True)
    error_type = _error_type(finding, runs_handler=state.runtime.runs_handler)
    return Outcome(error_type=error_type, message=message)


def _error_type(finding: Finding, *, runs_handler: bool) -> str:
    if finding.code.startswith("extension"):
        return "Extension.LaunchError"
    if finding.code.startswith(_BY_LINKER):
        return "Runtime.ExitError"
    if runs_handler:
        return "Runtime.InvalidEntrypoint"
    return _BY_LAUNCHER.get(finding.code, "Runtime.InvalidEntrypoint")
