"""A command of shim's as it is typed, with all processes that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import shim

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TREE = str(Path(shim.__path__[0]).parent)


def run_shim(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one command of shim's to its end, whatever that is."""
    command = [sys.executable, "-m", "shim", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """`shim NAME` with a mark in its environment, by which all its processes are found."""

    name: str
    cache: Path
    folder: Path
    """For its temporary files."""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def words(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "shim", self.name, *map(str, words)]

    @property
    def environment(self) -> dict[str, str]:
        added = {"SHIM_CACHE": str(self.cache), "TMPDIR": str(self.folder), "MARK": self.mark}
        return os.environ | added | {"PYTHONPATH": TREE}

    def run(
        self, *words: str | Path, prefix: Sequence[str] = (), event: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with `event` on standard input if there is one."""
        return subprocess.run(
            [*prefix, *self.words(*words, *(() if event is None else ("--event", "-")))],
            cwd=self.folder.parent,
            env=self.environment,
            input=event,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, *words: str | Path, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start it, without waiting."""
        return subprocess.Popen(
            [*prefix, *self.words(*words)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def processes(self) -> list[int]:
        """Every process that has the mark, shim's own included."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.mark.encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    @contextmanager
    def opened(self) -> Iterator[None]:
        """With a folder for its files; what a test that failed left running is ended."""
        self.folder.mkdir()
        try:
            yield
        finally:
            for number in self.processes():
                os.kill(number, signal.SIGKILL)
