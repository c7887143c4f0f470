"""What a comparison of templates can find: each code with its severity, and a finding itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.check.findings import CODES as CHECK_CODES
from shim.check.findings import Severity

if TYPE_CHECKING:
    from shim.templates.value import Place

_E, _U, _W, _N = Severity

OWN_CODES = {
    "two-calls-layers": (_E, "architecture and layers change by two calls"),
    "two-calls-runtime": (_E, "code and what it is started by change by two calls"),
    "two-calls": (_N, "code and configuration change by two calls"),
    "calls-refused": (_E, "Lambda refuses one of the two calls if it comes first"),
    "end-fails": (_E, "what the deployment leads to does not start"),
    "invokes-latest": (_W, "`$LATEST` is invoked while the two calls are made"),
    "output-latest": (_N, "an unqualified ARN is given to others"),
    "publishes-nothing": (_W, "a change that no new version is published for"),
    "canary-carries": (_E, "an alias can't be weighted between versions that differ in this"),
    "layer-architecture": (_W, "a layer is not for the function's architecture"),
    "layer-compatible": (_E, "a layer is not for the architectures that it says"),
}
"""Each code's severity, and what it says in general (docs/reference/findings.md has more)."""

CODES = {
    **OWN_CODES,
    **{code: CHECK_CODES[code] for code in ("runtime-blocked", "runtime-ended", "runtime-ending")},
}
"""With those of `shim check` that are found here too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was found, with where the new side says it, and where the old one did."""

    code: str
    severity: Severity
    function: str
    """The id of the function, or of the layer, that it is about."""
    place: Place
    old_place: Place | None
    sentence: str
    hint: str

    @property
    def url(self) -> str:
        """Where the documentation has its section, within the repository."""
        return f"docs/reference/findings.md#{self.code}"

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same while lines move: for a baseline."""
        return self.code, self.function, self.place.path
