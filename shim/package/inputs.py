"""From what the user names, files and folders, to the files that go into a package."""

from __future__ import annotations

import hashlib
import os.path
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.package.compress import WORKERS
from shim.package.entry import FileSource
from shim.package.names import check_handler_name, check_path, handler_name
from shim.package.program import (
    EVERYWHERE,
    FIRST_LINE,
    ForeignProgram,
    NoProgram,
    is_executable,
    runs_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import BufferedReader

    from shim.arch import Arch

MODULE_SUFFIX = ".py"
"""In a folder these are modules, `#!` or not: wheels are full of them, few are to be started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One INPUT of the command line: a program, `NAME=FILE`, or a folder."""

    path: Path
    name: str | None = None

    @classmethod
    def parse(cls, word: str) -> Input:
        """What `word` names; a path that exists is a path, also with a `=` in it."""
        if not word:
            raise InputError("an empty INPUT", hint="is a variable of your script not set?")
        name, equals, file = word.partition("=")
        if not equals or os.path.lexists(word):
            return cls(path=Path(word))
        return cls(path=Path(file), name=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """A file for the package. Of a handler, `name` is the handler's; else it is the place."""

    name: str
    architectures: frozenset[Arch]
    """Where it runs as a handler: nowhere, if it is none."""
    mode: int
    source: FileSource


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All files of the inputs, and what the user should know about some of them."""

    files: tuple[InputFile, ...]
    notes: tuple[str, ...]


def find_files(inputs: Iterable[Input]) -> Found:
    """Read every input once: names, architectures, hashes. Raises `InputError`."""
    notes: list[str] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        # In the inputs' order, whichever is read first.
        files = tuple(pool.map(lambda read: read(), _readers(inputs, notes)))
    return Found(files=files, notes=tuple(sorted(notes)))


def _readers(inputs: Iterable[Input], notes: list[str]) -> Iterator[Callable[[], InputFile]]:
    for given in inputs:
        if not _stat_is(given.path, stat.S_ISDIR):
            yield partial(_named_program, given)
        elif given.name is None:
            for place, path in _walk(given.path):
                yield partial(_file_of_folder, place, path, notes=notes)
        else:
            raise InputError(
                f"a folder can't be the handler `{given.name}`: `{given.path}`",
                hint="give the program's file, or the folder without a name before it",
            )


def check_apart(output: Path, *, inputs: Iterable[Input]) -> None:
    """Refuse an output, a resolved path, that is an input or would be one the next time."""
    for given in inputs:
        with _readable(given.path):
            given.path.stat()
        if output.is_relative_to(given.path.resolve()):
            raise InputError(
                f"the output would be part of the input `{given.path}`: `{output}`",
                hint="write it somewhere else",
            )


def _named_program(given: Input) -> InputFile:
    with _opened(given.path) as file:
        architectures = runs_on(file, given.path)
        name = given.name
        if name is None:
            name = _folded(PurePosixPath(given.path.name), architectures)
        check_handler_name(name)
        return _read(file, given.path, name=name, architectures=architectures)


def _file_of_folder(place: PurePosixPath, path: Path, *, notes: list[str]) -> InputFile:
    with _opened(path) as file:
        architectures: frozenset[Arch] = frozenset()
        try:
            if place.suffix != MODULE_SUFFIX:
                architectures = runs_on(file, path)
        except ForeignProgram as reason:
            notes.append(f"goes in as data: {reason.message}")
        except NoProgram:
            pass
        name = _folded(place, architectures)
        if architectures:
            check_handler_name(name)
        else:
            check_path(name)
        return _read(file, path, name=name, architectures=architectures)


def _folded(place: PurePosixPath, architectures: frozenset[Arch]) -> str:
    if not architectures or architectures == EVERYWHERE:
        return str(place)
    (arch,) = architectures
    return handler_name(place, arch)


def _read(
    file: BufferedReader, path: Path, *, name: str, architectures: frozenset[Arch]
) -> InputFile:
    file.seek(0)
    start = file.read(FIRST_LINE)
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return InputFile(
        name=name,
        architectures=architectures,
        mode=0o755 if is_executable(start) else 0o644,
        source=FileSource(path=path, size=file.tell(), sha256=sha256),
    )


def _walk(folder: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Every file below `folder` with its place there; links are followed, but not out of it."""
    root = folder.resolve()
    pending = [(PurePosixPath(), folder, frozenset({root}))]
    while pending:
        place, directory, above = pending.pop()
        for path in _children(directory):
            is_folder = _stat_is(path, stat.S_ISDIR)
            real = path.resolve()
            if not real.is_relative_to(root):
                raise InputError(
                    f"a symbolic link leads out of the folder: `{path}`",
                    hint=f"put what it points to in its place: `{real}`",
                )
            if real in above:
                raise InputError(f"a symbolic link leads round in a circle: `{path}`")
            if is_folder:
                pending.append((place / path.name, path, above | {real}))
            else:
                yield place / path.name, path


def _children(directory: Path) -> list[Path]:
    with _readable(directory):
        return sorted(directory.iterdir())


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    # Asked before it is opened: opening a pipe would wait for somebody to write to it.
    if not _stat_is(path, stat.S_ISREG):
        raise InputError(f"no regular file: `{path}`")
    with _readable(path), path.open("rb") as file:
        yield file


def _stat_is(path: Path, kind: Callable[[int], bool]) -> bool:
    with _readable(path):
        return kind(path.stat().st_mode)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}: `{path}`") from error
