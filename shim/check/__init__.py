"""Says, before a deployment, whether a package will start: `from shim.check import verdict`.

`verdict(state)` is pure: it reads packages, never the machine, and gives a `Verdict` whose
`findings` say what forbids the start and what may.
"""

from shim.check.findings import Finding, Severity
from shim.check.runtimes import Runtime, read_runtimes
from shim.check.state import State
from shim.check.verdict import Answer, Verdict, find_handlers, verdict
from shim.package.read import Package, read_package

__all__ = [
    "Answer",
    "Finding",
    "Package",
    "Runtime",
    "Severity",
    "State",
    "Verdict",
    "find_handlers",
    "read_package",
    "read_runtimes",
    "verdict",
]
