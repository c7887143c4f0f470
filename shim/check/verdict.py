"""The verdict on a state, and the handlers that a package has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.execution import Machine
from shim.check.findings import Finding, Severity
from shim.check.rules import RULES
from shim.check.start import check_start, find_bootstrap_kind
from shim.check.tree import parts_of
from shim.package.executables import Kind, is_program
from shim.package.names import BOOTSTRAP, PRIVATE

if TYPE_CHECKING:
    from shim.check.state import State
    from shim.package.read import Package

_PRIVATE = (f"{PRIVATE}/", "extensions/", ".extensions/")


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a state starts, and what was found on the way, the worst first."""

    state: State
    findings: tuple[Finding, ...]

    @property
    def starts(self) -> bool:
        """Whether the function starts."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


def verdict(state: State) -> Verdict:
    """Whether `state` starts, and why not; reads the packages and nothing else."""
    machine = Machine(state)
    found = [finding for rule in RULES for finding in rule(state)]
    found += check_start(machine)
    unique = dict.fromkeys(found)
    ordered = sorted(unique, key=lambda finding: finding.severity.rank)
    return Verdict(state=state, findings=tuple(ordered))


def find_handlers(state: State) -> tuple[str, ...]:
    """The handlers that the state's package and layers have programs for, by name.

    Empty where `bootstrap` is itself the function and doesn't look at the handler.
    """
    machine = Machine(state)
    if find_bootstrap_kind(machine) is Kind.NATIVE and not state.runtime.runs_handler:
        return ()
    packages = (state.package, *state.layers)
    return tuple(sorted(frozenset().union(*map(_handlers, packages))))


@lru_cache(maxsize=32)
def _handlers(package: Package) -> frozenset[str]:
    names = ("/".join(parts_of(entry.name)) for entry in package.entries if is_program(entry))
    return frozenset(
        name.removesuffix(Arch.ARM64.suffix)
        for name in names
        if name != BOOTSTRAP and not name.startswith(_PRIVATE) and ".." not in name.split("/")
    )
