"""From what the user names, files and folders, to the files that go into a package."""

from __future__ import annotations

import os.path
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import deflate

from shim.errors import InputError
from shim.package.built import MAGICS, built_files
from shim.package.compress import WORKERS
from shim.package.entry import FileSource, InputFile
from shim.package.layouts import find_layout
from shim.package.names import (
    BOOTSTRAP,
    check_handler_name,
    check_path,
    handler_name,
    may_be_handler,
)
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


_CHUNK = 1 << 20
_SHOWN = 4
_DESKTOP_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_APPLE_DOUBLE = "._"


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One INPUT of the command line: a program, a package, `NAME=` one of them, or a folder."""

    path: Path
    name: str | None = None
    is_data: bool = False
    """Goes along, and is not a handler, whatever it is; `name` is then its path in the package."""

    @classmethod
    def parse(cls, word: str, *, is_data: bool = False) -> Input:
        """What `word` names; a path that exists is a path, also with a `=` in it."""
        if not word:
            raise InputError("an empty INPUT", hint="is a variable of your script not set?")
        name, equals, file = word.partition("=")
        if not equals or os.path.lexists(word):
            return cls(path=Path(word), is_data=is_data)
        return cls(path=Path(file), name=name, is_data=is_data)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All files of the inputs, and what the user should know about some of them."""

    files: tuple[InputFile, ...]
    notes: tuple[str, ...]


def find_files(inputs: Iterable[Input]) -> Found:
    """Read every input once: names, architectures, checksums. Raises `InputError`."""
    notes: list[str] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        # In the inputs' order, whichever is read first.
        read = [
            (given, pool.map(lambda read: read(), _readers(given, notes)))
            for given in _laid_out(inputs, notes)
        ]
        files = tuple(file for given, files in read for file in _as_one(given, files))
    return Found(files=files, notes=tuple(sorted(notes)))


def _laid_out(inputs: Iterable[Input], notes: list[str]) -> Iterator[Input]:
    """The inputs, with each function's own in the place of the folder that a tool left."""
    for given in inputs:
        is_folder = not given.is_data and _stat_is(given.path, stat.S_ISDIR)
        layout = find_layout(given.path) if is_folder else None
        if layout is None:
            yield given
            continue
        notes.append(f"read as {layout.tool}: `{given.path}`")
        notes += [
            f"left out, it has no `bootstrap`: `{given.path / one}`" for one in layout.left_out
        ]
        if given.name and len({one.name for one in layout.parts}) > 1:
            raise _several(given, [one.name or one.path.name for one in layout.parts])
        yield from (Input(path=one.path, name=given.name or one.name) for one in layout.parts)


def _readers(given: Input, notes: list[str]) -> Iterator[Callable[[], InputFile]]:
    if given.is_data:
        yield from _data_readers(given)
    elif _is_zip(given.path) or _is_built_folder(given.path):
        yield from built_files(given.path, given.name)
    elif not _stat_is(given.path, stat.S_ISDIR):
        yield partial(named_program, given)
    else:
        for below, path in _walk(given.path):
            yield partial(_file_of_folder, below, path, given=given, notes=notes)


def _as_one(given: Input, files: Iterable[InputFile]) -> Iterable[InputFile]:
    """The files of a folder that was given a name, whose only handler has that name."""
    if given.is_data or given.name is None:
        return files
    files = list(files)
    handlers = sorted({file.name for file in files if file.architectures})
    if not handlers:
        raise InputError(f"no program to be the handler `{given.name}`: `{given.path}`")
    if len(handlers) > 1:
        raise _several(given, handlers)
    return [replace(file, name=given.name) if file.architectures else file for file in files]


def _several(given: Input, handlers: list[str]) -> InputError:
    names = ", ".join(f"`{name}`" for name in sorted(set(handlers))[:_SHOWN])
    return InputError(
        f"several programs can't be the one handler `{given.name}`, {names}: `{given.path}`",
        hint="give the one program's file, or the folder without a name before it",
    )


def _data_readers(given: Input) -> Iterator[Callable[[], InputFile]]:
    """A file at its own name, a folder's files in a folder of its name; or at the given path."""
    target = PurePosixPath(given.path.resolve().name if given.name is None else given.name)
    if not _stat_is(given.path, stat.S_ISDIR):
        yield partial(_data_file, target, given.path)
        return
    for below, path in _walk(given.path):
        yield partial(_data_file, target / below, path)


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


def named_program(given: Input) -> InputFile:
    """The program at `given.path`. Raises `InputError` for all that is none."""
    with _opened(given.path) as file:
        architectures = runs_on(file, given.path)
        name = given.name
        if name is None:
            name = _folded(PurePosixPath(given.path.name), architectures)
        check_handler_name(name)
        return _read(file, given.path, name=name, architectures=architectures)


def _file_of_folder(
    below: PurePosixPath, path: Path, *, given: Input, notes: list[str]
) -> InputFile:
    with _opened(path) as file:
        architectures: frozenset[Arch] = frozenset()
        try:
            if may_be_handler(str(below)):
                architectures = runs_on(file, path)
        except ForeignProgram as reason:
            notes.append(f"goes in as data: {reason.message}")
        except NoProgram:
            pass
        name = _folded(below, architectures)
        if not architectures:
            check_path(name)
        elif given.name is not None:
            check_handler_name(given.name)
        elif name.endswith(f"/{BOOTSTRAP}"):
            raise InputError(
                f"a function's `{BOOTSTRAP}` would become the handler `{name}`: `{path}`",
                hint=f"give each function by its name: `NAME={path.parent}`",
            )
        else:
            check_handler_name(name)
        return _read(file, path, name=name, architectures=architectures)


def _data_file(target: PurePosixPath, path: Path) -> InputFile:
    if target.is_absolute() or ".." in target.parts or not target.parts:
        raise InputError(f"not a path in a package: `{target}`", hint="give one below its root")
    check_path(str(target))
    with _opened(path) as file:
        return _read(file, path, name=str(target), architectures=frozenset())


def _is_zip(path: Path) -> bool:
    if not _stat_is(path, stat.S_ISREG):
        return False
    with _readable(path), path.open("rb") as file:
        return file.read(4) in MAGICS


def _is_built_folder(path: Path) -> bool:
    """Whether it is a package as it is: SAM, CDK and cargo-lambda leave folders, too."""
    return _stat_is(path, stat.S_ISDIR) and os.path.lexists(path / BOOTSTRAP)


def _folded(below: PurePosixPath, architectures: frozenset[Arch]) -> str:
    if not architectures or architectures == EVERYWHERE:
        return str(below)
    (arch,) = architectures
    return handler_name(below, arch)


def _read(
    file: BufferedReader, path: Path, *, name: str, architectures: frozenset[Arch]
) -> InputFile:
    file.seek(0)
    start = file.read(FIRST_LINE)
    file.seek(0)
    crc32 = size = 0
    while piece := file.read(_CHUNK):
        crc32 = deflate.crc32(piece, crc32)
        size += len(piece)
    return InputFile(
        name=name,
        architectures=architectures,
        mode=0o755 if is_executable(start) else 0o644,
        source=FileSource(path=path, size=size, crc32=crc32),
    )


def _walk(folder: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Every file below `folder` with its path there; links are followed, but not out of it."""
    root = folder.resolve()
    pending = [(PurePosixPath(), folder, frozenset({root}))]
    while pending:
        below, directory, above = pending.pop()
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
                pending.append((below / path.name, path, above | {real}))
            else:
                yield below / path.name, path


def _children(directory: Path) -> list[Path]:
    """What is in a folder, but for what a Mac's and Windows' desktops leave there."""
    with _readable(directory):
        children = {path.name: path for path in sorted(directory.iterdir())}
    return [
        path
        for name, path in children.items()
        if name not in _DESKTOP_FILES
        # A file's resources, where the file system has no room for them.
        and not (name.startswith(_APPLE_DOUBLE) and name.removeprefix(_APPLE_DOUBLE) in children)
    ]


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
