"""Runs the real commands on broken input, in this process, and watches what they do."""

from __future__ import annotations

import io
import os
import random
import resource
import shutil
import signal
import stat
import sys
import time
import traceback
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from shim.cli.main import main as shim
from shim.errors import ShimError
from shim.package.extract import check_link, unpack
from tests.check.hostile.inputs import hostile
from tests.memory import peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

CPU_SECONDS = 20
SECONDS = 300
"""After these a command counts as hanging; the second for what waits without doing anything."""

UNPACKED_LIMIT = 1 << 22
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.symlink"}


class Hanging(Exception):
    """A command took longer than any package is worth."""


class Wrong(Exception):
    """A command ended as it may not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What became of one seed."""

    seed: int
    ends: tuple[str, ...]
    """Of each command, how it ended."""
    problems: tuple[str, ...]
    cpu_seconds: float
    peak: int
    """Bytes of memory that the process has ever had."""


class Worker:
    """One process: its folder, below which alone anything may be written."""

    def __init__(self, folder: Path, elf: bytes, *, memory: int) -> None:
        self._folder, self._elf = folder, elf
        self._outside: list[str] = []
        (folder / "in").mkdir(parents=True)
        (folder / "out").mkdir()
        os.chdir(folder / "in")
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, _stop)
        sys.dont_write_bytecode = True
        sys.addaudithook(self._watch)

    def run(self, seed: int) -> Result:
        """All commands on that seed's input."""
        data = hostile(seed, self._elf)
        Path("package").write_bytes(data)
        ends, problems, began = [], [], time.process_time()
        for name, command in self._commands(random.Random(seed), data):
            self._outside.clear()
            try:
                ends.append(f"{name}: {_timed(command)}")
            except Exception:
                problems.append(f"{name}: {traceback.format_exc()}")
            problems += self._outside
            self._clear()
        here, above = list(Path().iterdir()), set(self._folder.iterdir())
        if here != [Path("package")] or above != {self._folder / "in", self._folder / "out"}:
            problems.append("something was written beside the output folder")
        return Result(
            seed=seed,
            ends=tuple(ends),
            problems=tuple(problems),
            cpu_seconds=time.process_time() - began,
            peak=peak_memory(),
        )

    def _clear(self) -> None:
        for path in (self._folder / "out").iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        _real_folder.cache_clear()

    def _commands(self, rng: random.Random, data: bytes) -> Iterator[tuple[str, Callable[[], str]]]:
        form = rng.choice([(), ("--json",), ("--json",), ("--sarif",)])
        given = rng.choice(
            [("package",), ("orders=package",), ("--include", "package", "/bin/true")]
        )
        yield "check", lambda: _command("check", "package", *form)
        if data.startswith(b"PK"):
            yield "unpack", _unpack
        else:
            yield "check folder", lambda: _command("check", ".", *form)
        yield "pack", lambda: _pack(*given)

    def _watch(self, event: str, words: tuple[object, ...]) -> None:
        """Note what Python is about to change outside of the folder (an audit hook)."""
        if event == "open":
            path, _, flags = words
            is_change = isinstance(flags, int) and bool(flags & _WRITING)
        else:
            path = words[1 if event in {"os.symlink", "os.rename"} else 0] if words else None
            is_change = event in _CHANGES
        if is_change and isinstance(path, str | bytes | os.PathLike):
            folder, _, name = os.fsdecode(path).rpartition("/")
            if not f"{_real_folder(folder)}/{name}".startswith(f"{self._folder}/"):
                self._outside.append(f"{event}: {os.fsdecode(path)}")


@lru_cache(maxsize=1 << 16)
def _real_folder(path: str) -> str:
    return os.path.realpath(path)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Hanging


def _timed(command: Callable[[], str]) -> str:
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        return command()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _command(*words: str) -> str:
    """The exit status of `shim WORDS`; an error must be a sentence, and an answer be printed."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        status = shim(words)
    said = errors.getvalue().startswith("error: ") or '"error": ' in errors.getvalue()
    if status not in {0, 1, 2} or said != (status == 2) or bool(output.getvalue()) == said:
        raise Wrong(f"{status}: {errors.getvalue()}")
    return str(status)


def _pack(*words: str) -> str:
    """What was packed must be sound, and be checked like everything else."""
    output = Path("../out/package.zip")
    status = _command("pack", *words, "--allow-missing", "-o", str(output))
    if output.exists() != (status == "0"):
        raise Wrong("the output is there, or isn't, against the exit status")
    if status == "0":
        with zipfile.ZipFile(output) as packed:
            if bad := packed.testzip():
                raise Wrong(f"packed, but damaged: {bad}")
            for info in packed.infolist():
                if info.filename.startswith("/") or ".." in info.filename.split("/"):
                    raise Wrong(f"packed, and leads out: {info.filename}")
                if stat.S_ISLNK(info.external_attr >> 16):
                    text = os.fsdecode(packed.read(info))
                    check_link(text, info.filename, depth=info.filename.count("/"))
        return f"{status}, then check: {_command('check', str(output), '--json')}"
    return status


def _unpack() -> str:
    """What `shim run` does with a package."""
    into = Path("../out/task")
    into.mkdir()
    try:
        unpack(Path("package"), into, limit=UNPACKED_LIMIT)
    except ShimError as error:
        return f"{error.exit_code}"
    return "0"
