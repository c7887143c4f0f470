"""A task root with a launcher in it, and how it is started: alone, or under memcheck."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import shim.launcher
from shim.arch import Arch
from tests.launcher.start import Outcome, start
from tests.requirements import require_unregistered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER_FOLDER = Path(shim.launcher.__file__).parent

NATIVE = Arch.from_machine(os.uname().machine) or Arch.X86_64
OTHER = next(arch for arch in Arch if arch is not NATIVE)

PATTERNED, MEMCHECK = "patterned", "memcheck"
BUILDS = ("lean", "full", PATTERNED, MEMCHECK)
"""The flavours; and the lean one twice more, to see whether it takes a value that nobody gave:
compiled so that all variables begin with a pattern, and under valgrind's memcheck."""

VALGRIND = "/usr/bin/valgrind.bin"
"""The program that Debian's `valgrind`, a script, starts with variables of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A task root with a launcher as its `bootstrap`; `build` is one of `BUILDS`."""

    arch: Arch
    build: str
    root: Path
    probe: Path

    @property
    def bootstrap(self) -> Path:
        """The launcher."""
        return self.root / "bootstrap"

    @property
    def is_lean(self) -> bool:
        """Whether the report is the short one."""
        return self.build != "full"

    @property
    def command(self) -> list[str]:
        """The words that start the launcher."""
        memcheck = [VALGRIND, "--quiet", "--vgdb=no", f"--log-file={self._findings}"]
        return [*(memcheck if self.build == MEMCHECK else ()), str(self.bootstrap)]

    def alone(self) -> Package:
        """This package without memcheck: valgrind ends where an exec fails that it took for good,
        waits for ever for a pipe's writer, and gives a closed standard error to its own log."""
        return replace(self, build="lean") if self.build == MEMCHECK else self

    def add(self, name: str, content: bytes | None = None, mode: int = 0o755) -> Path:
        """Put a file into the package: the probe, unless `content` is given."""
        if content:
            require_unregistered(content[:2])
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.probe.read_bytes() if content is None else content)
        path.chmod(mode)
        return path

    def start(
        self,
        handler: str | bytes | None = None,
        *words: str,
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Start `bootstrap` with this handler, and as Lambda does it otherwise."""
        environment = {b"LAMBDA_TASK_ROOT": os.fsencode(self.root)}
        if handler is not None:
            environment[b"_HANDLER"] = os.fsencode(handler)
        for name, value in (variables or {}).items():
            environment[os.fsencode(name)] = os.fsencode(value)
        return self.start_with(
            [os.fsencode(self.bootstrap), *map(os.fsencode, words)],
            [name + b"=" + value for name, value in environment.items()],
        )

    def start_with(self, words: Sequence[bytes], variables: Sequence[bytes]) -> Outcome:
        """Start `bootstrap` with exactly these words (under memcheck, but the first) and variables.

        What memcheck finds fails the test.
        """
        program, *prefix = self.command
        if prefix:
            words = [*map(os.fsencode, self.command), *words[1:]]
        outcome = start(program, words, variables)
        self.assert_nothing_found()
        # Valgrind takes its own library out of this variable, and leaves the variable.
        output = outcome.output.replace(b"=LD_PRELOAD=\0", b"") if prefix else outcome.output
        return replace(outcome, output=output)

    def assert_nothing_found(self) -> None:
        """Fail where memcheck, if it was there, found something."""
        if self._findings.exists():
            assert self._findings.read_text() == ""

    def candidates(self, handler: str, root: str | None = None) -> list[str]:
        """The paths that the launcher tries, in order (design: arm64's own names first)."""
        names = [handler + "_arm64", handler] if self.arch is Arch.ARM64 else [handler]
        return [f"{folder}/{name}" for folder in (root or self.root, "/opt") for name in names]

    @property
    def _findings(self) -> Path:
        return self.root.with_name("memcheck")
