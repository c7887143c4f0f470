"""Reads packages that other tools build, whose `bootstrap` is the program, or a shell script."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.package.entry import InputFile, PackedSource
from shim.package.executables import Kind, kind_of, script_text
from shim.package.extract import link_text, naming, sound_entries
from shim.package.handover import lost_with
from shim.package.limits import format_size, read_limits
from shim.package.names import BOOTSTRAP, PRIVATE, check_handler_name, check_path, may_be_handler
from shim.package.program import EVERYWHERE, SCRIPT, NoProgram, runs_on
from shim.package.read import read_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.arch import Arch
    from shim.package.read import Entry, Package

MAGICS = (b"PK\3\4", b"PK\5\6")

_SHOWN = 4
_TASK_ROOT = "/var/task/"
_LINKS = 40
"""Links to follow from one name, as Linux does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Built:
    """A package, its names checked."""

    path: Path
    members: Mapping[str, Entry]
    """Files and links, by path."""


def built_files(archive: Path, name: str | None) -> Iterator[Callable[[], InputFile]]:
    """What reads each file of the package; its `bootstrap` becomes the handler `name`.

    Without a name `bootstrap` has to be a script, for which the launcher stands in, or our own
    launcher, which is made anew with all of `.shim`; all else stays where it is, as it is. Raises
    `InputError` for what `extract.unpack` refuses, too.
    """
    package = read_package(archive)
    with naming(archive):
        built = _Built(path=archive, members=_checked_members(package))
        dropped = {BOOTSTRAP}
        if _is_ours(built):
            if name is not None:
                raise InputError(
                    "its `bootstrap` is shim's launcher, and no handler",
                    hint=f"give it without a name: `{archive}`",
                )
            dropped |= {path for path in built.members if path.startswith(f"{PRIVATE}/")}
        elif name is not None:
            path = _program_path(built)
            dropped.add(path)
            check_handler_name(name)
            yield partial(_handler, built.members[path], name=name)
        elif BOOTSTRAP in built.members:
            _check_replaceable(built)
        for path, member in built.members.items():
            if path not in dropped:
                check_path(path)
                yield partial(_other_file, member, path=path, has_handlers=name is None)


def _is_ours(built: _Built) -> bool:
    bootstrap = built.members.get(BOOTSTRAP)
    return bootstrap is not None and kind_of(bootstrap) in {Kind.LAUNCHER, Kind.DUAL}


def _checked_members(package: Package) -> dict[str, Entry]:
    members: dict[str, Entry] = {}
    for path, entry in sound_entries(package):
        if stat.S_ISDIR(entry.kind):
            continue
        if path in members:
            raise InputError(f"`{path}` is there twice")
        members[path] = entry
    total = sum(entry.size for entry in members.values())
    if total > (limit := read_limits().unzipped):
        raise InputError(f"over {format_size(limit)} unzipped, more than Lambda takes")
    return members


def _program_path(built: _Built) -> str:
    """Where the program is that `bootstrap` leads to (build-lambda-zip makes it a link)."""
    path = BOOTSTRAP
    for _ in range(_LINKS):
        entry = built.members.get(path)
        if entry is None:
            break
        if not stat.S_ISLNK(entry.kind):
            return path
        text = link_text(entry)
        target = text.removeprefix(_TASK_ROOT) if text.startswith("/") else text
        folder = "" if text.startswith("/") else str(PurePosixPath(path).parent)
        path = os.path.normpath(PurePosixPath(folder, target))
    raise InputError(
        "there is no `bootstrap` in it, or it is a link that leads to no file there",
        hint="give the function's package, as it would be deployed",
    )


def _check_replaceable(built: _Built) -> None:
    program = built.members[_program_path(built)]
    if not program.read(0, len(SCRIPT)).startswith(SCRIPT):
        raise InputError(
            "its `bootstrap` is the program itself, and the handler's name is not known",
            hint=f"say which handler it becomes: `NAME={built.path}`",
        )
    if lost := lost_with(script_text(program)):
        raise InputError(
            f"its `bootstrap` does more than start the handler, which a launcher would not do:"
            f" {'; '.join(lost[:_SHOWN])}",
            hint="do it in the handler, or keep the script as one and start that:"
            f" `NAME={built.path}`",
        )


def _handler(program: Entry, *, name: str) -> InputFile:
    source = PackedSource.of(program)
    architectures = runs_on(BytesIO(source.content()), source.path)
    return _input_file(program, source, name=name, architectures=architectures)


def _other_file(member: Entry, *, path: str, has_handlers: bool) -> InputFile:
    source = PackedSource.of(member)
    architectures: frozenset[Arch] = frozenset()
    if has_handlers and stat.S_ISREG(member.kind) and may_be_handler(path):
        with suppress(NoProgram):
            architectures = runs_on(BytesIO(source.content()), source.path)
    name = path
    if architectures and architectures != EVERYWHERE:
        (arch,) = architectures
        name = path.removesuffix(arch.suffix)
    if architectures:
        check_handler_name(name)
    return _input_file(member, source, name=name, architectures=architectures, fixed_path=path)


def _input_file(
    member: Entry,
    source: PackedSource,
    *,
    name: str,
    architectures: frozenset[Arch],
    fixed_path: str | None = None,
) -> InputFile:
    return InputFile(
        name=name,
        architectures=architectures,
        mode=0o755 if architectures else member.mode,
        source=source,
        fixed_path=fixed_path,
        is_link=stat.S_ISLNK(member.kind),
    )
