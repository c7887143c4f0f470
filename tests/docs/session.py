"""Does what a page has its reader do, in one folder: each block of commands is one run of bash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.pages import File, Session, Stage, read_parts
from tests.docs.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.docs.pages import Command
    from tests.docs.stages import Scene

SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What became of a command."""

    command: Command
    printed: tuple[str, ...]
    """On standard output and standard error, as they come."""
    status: int


def follow(page: Path, scene: Scene) -> Iterator[Done]:
    """Every command of a page that is run, in order."""
    for part in read_parts(page):
        match part:
            case Stage():
                STAGES[part.name](scene)
            case File():
                path = scene.folder / part.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(part.content, "utf-8")
            case Session():
                if not part.not_run:
                    yield from _run(part.commands, scene)


def _run(commands: Sequence[Command], scene: Scene) -> Iterator[Done]:
    mark = uuid.uuid4().hex
    # The next command finds the last one's status in `$?`, as it would without this.
    end = f"\nstatus=$?; printf '\\n{mark} %s\\n' $status; (exit $status)\n"
    done = subprocess.run(
        [*scene.shell, "bash", "-c", "".join(command.text + end for command in commands)],
        cwd=scene.folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    *parts, rest = re.split(rf"\n{mark} (\d+)\n", done.stdout)
    assert len(parts) == 2 * len(commands), rest
    for command, printed, status in zip(commands, parts[::2], parts[1::2], strict=True):
        lines = tuple(line.rstrip() for line in printed.rstrip().splitlines())
        yield Done(command=command, printed=lines, status=int(status))


def _environment() -> dict[str, str]:
    """With the `shim` and the Go that are tested; what Python prints comes in its order."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
