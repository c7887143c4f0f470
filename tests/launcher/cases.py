"""Every way in which a launcher comes to an error of its own, and what it says then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.launcher.programs import S390X, elf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.launcher.package import Package

RUN, DATA = 0o755, 0o644
SCRIPT = b"#!/bin/sh\n"
LONG = "x" * 129


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A package that does not start: `{root}` is the task root, `{tried}` all candidates."""

    kind: str
    status: int
    sentence: str
    handler: str | None = "orders"
    wrapper: str = ""
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    """Links in the package, by name, with what each leads to."""

    def fill(self, package: Package) -> None:
        """Put the case's files into `package`."""
        for name, (content, mode) in self.files.items():
            package.add(name, content, mode)
        for name, target in self.links.items():
            (package.root / name).symlink_to(target)

    def variables(self, root: str) -> dict[str, str]:
        """What the function's environment has."""
        return {"AWS_LAMBDA_EXEC_WRAPPER": self.wrapper.format(root=root)} if self.wrapper else {}

    def message(self, package: Package, root: str) -> str:
        """The sentence that the lean launcher says of this package, mounted at `root`."""
        tried = ", ".join(package.candidates(self.handler or "", root))
        return self.sentence.format(root=root, tried=tried)


CASES = {
    "unset": Case(kind="HandlerUnset", status=100, sentence="_HANDLER is not set", handler=None),
    "empty": Case(kind="HandlerUnset", status=100, sentence="_HANDLER is not set", handler=""),
    "absolute": Case(
        kind="HandlerInvalid",
        status=100,
        sentence="handler is absolute: /bin/true",
        handler="/bin/true",
    ),
    "long": Case(
        kind="HandlerInvalid",
        status=100,
        sentence=f"handler has more than 128 characters: {LONG}",
        handler=LONG,
    ),
    "climbing": Case(
        kind="HandlerInvalid",
        status=100,
        sentence="handler has a part '..': bin/../orders",
        handler="bin/../orders",
    ),
    "bootstrap": Case(
        kind="HandlerIsLauncher",
        status=100,
        sentence="the launcher would start itself: ./bootstrap",
        handler="./bootstrap",
    ),
    "link to the launcher": Case(
        kind="HandlerIsLauncher",
        status=100,
        sentence="the launcher would start itself: {root}/orders",
        links={"orders": "bootstrap"},
    ),
    "wrapper is the launcher": Case(
        kind="HandlerIsLauncher",
        status=100,
        sentence="the launcher would start itself: {root}/bootstrap",
        wrapper="{root}/bootstrap",
        files={"orders": (SCRIPT, RUN)},
    ),
    "nowhere": Case(kind="HandlerNotFound", status=127, sentence="handler not found: {tried}"),
    "nowhere, with a wrapper": Case(
        kind="HandlerNotFound",
        status=127,
        sentence="handler not found: {tried}",
        wrapper="{root}/wrapper",
        files={"wrapper": (SCRIPT, RUN)},
    ),
    "no run bit": Case(
        kind="HandlerNotExecutable",
        status=126,
        sentence="handler may not be executed: {root}/orders",
        files={"orders": (SCRIPT, DATA)},
    ),
    "no run bit, with a wrapper": Case(
        kind="HandlerNotExecutable",
        status=126,
        sentence="handler may not be executed: {root}/orders",
        wrapper="{root}/wrapper",
        files={"orders": (SCRIPT, DATA), "wrapper": (SCRIPT, RUN)},
    ),
    "a folder, with a wrapper": Case(
        kind="HandlerNotExecutable",
        status=126,
        sentence="handler may not be executed: {root}/bin",
        handler="bin",
        wrapper="{root}/wrapper",
        files={"bin/orders": (SCRIPT, RUN), "wrapper": (SCRIPT, RUN)},
    ),
    "another machine": Case(
        kind="WrongArchitecture",
        status=126,
        sentence=f"handler is built for another machine: {{root}}/orders (ELF machine {S390X})",
        files={"orders": (elf(S390X), RUN)},
    ),
    "no interpreter": Case(
        kind="InterpreterMissing",
        status=126,
        sentence="handler's interpreter is missing: {root}/orders",
        files={"orders": (b"#!/no/such/shell\n", RUN)},
    ),
    "no program": Case(
        kind="LaunchFailed",
        status=126,
        sentence="execve failed: {root}/orders (errno 8)",
        files={"orders": (b"echo hello\n", RUN)},
    ),
    "wrapper without a run bit": Case(
        kind="LaunchFailed",
        status=126,
        sentence="execve failed: {root}/wrapper (errno 13)",
        wrapper="{root}/wrapper",
        files={"orders": (SCRIPT, RUN), "wrapper": (SCRIPT, DATA)},
    ),
    "wrapper nowhere": Case(
        kind="LaunchFailed",
        status=127,
        sentence="execve failed: /opt/no-wrapper (errno 2)",
        wrapper="/opt/no-wrapper",
        files={"orders": (SCRIPT, RUN)},
    ),
}
"""Every error type, and every place at which the launch path gives up (launch.py, report.py)."""
