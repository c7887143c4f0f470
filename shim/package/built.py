"""Reads the zips that other tools build: whose `bootstrap` is the program, or a shell script."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zipfile import ZipFile

import deflate

from shim.errors import InputError
from shim.package.entry import InputFile, MemberSource
from shim.package.extract import PackedEntry, check_link, link_text, reading, zip_entries
from shim.package.limits import format_size, read_limits
from shim.package.names import BOOTSTRAP, check_handler_name, check_path, may_be_handler
from shim.package.program import EVERYWHERE, SCRIPT, NoProgram, runs_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.arch import Arch

MAGICS = (b"PK\3\4", b"PK\5\6")

_TASK_ROOT = "/var/task/"
_LINKS = 40
"""Links to follow from one name, as Linux does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Built:
    """A zip, its names checked."""

    path: Path
    members: Mapping[str, PackedEntry]
    """Files and links, by place."""


def built_files(path: Path, name: str | None) -> Iterator[Callable[[], InputFile]]:
    """What reads each file of the zip; its `bootstrap` becomes the handler `name`.

    Without a name `bootstrap` has to be a script, for which the launcher stands in; all else stays
    where it is, as it is. Raises `InputError` for what `extract.unpack` refuses, too.
    """
    with reading(path):
        built = _Built(path=path, members=_checked_members(path))
        dropped = {BOOTSTRAP}
        if name is not None:
            program = _program(built)
            dropped.add(program.name)
            check_handler_name(name)
            yield partial(_handler, built, program, name=name)
        elif BOOTSTRAP in built.members:
            _check_replaceable(built)
        for place, member in built.members.items():
            if place not in dropped:
                check_path(place)
                yield partial(_other_file, built, member, place=place, has_handlers=name is None)


def _checked_members(path: Path) -> dict[str, PackedEntry]:
    # Never closed by hand: the sources read from it until the package is written.
    members: dict[str, PackedEntry] = {}
    total = 0
    for entry in zip_entries(ZipFile(path)):
        parts = [part for part in entry.name.split("/") if part not in {"", "."}]
        if entry.name.startswith("/") or ".." in parts:
            raise InputError(f"the name `{entry.name}` leads out of the package")
        if stat.S_ISDIR(entry.kind):
            continue
        if not stat.S_ISREG(entry.kind) and not stat.S_ISLNK(entry.kind):
            raise InputError(f"`{entry.name}` is neither a file, a folder nor a link")
        place = "/".join(parts)
        if place in members:
            raise InputError(f"`{place}` is there twice")
        members[place] = entry
        total += entry.size
    if total > (limit := read_limits().unzipped):
        raise InputError(f"over {format_size(limit)} unzipped, more than Lambda takes")
    for place, entry in members.items():
        if stat.S_ISLNK(entry.kind):
            check_link(link_text(entry), place, depth=place.count("/"))
    return members


def _program(built: _Built) -> PackedEntry:
    """What `bootstrap` is, behind all links (build-lambda-zip makes it one)."""
    place = BOOTSTRAP
    for _ in range(_LINKS):
        entry = built.members.get(place)
        if entry is None:
            break
        if not stat.S_ISLNK(entry.kind):
            return entry
        text = link_text(entry)
        target = text.removeprefix(_TASK_ROOT) if text.startswith("/") else text
        folder = "" if text.startswith("/") else str(PurePosixPath(place).parent)
        place = os.path.normpath(PurePosixPath(folder, target))
    raise InputError(
        "there is no `bootstrap` in the zip, or it is a link that leads to no file there",
        hint="give the function's zip, as it would be deployed",
    )


def _check_replaceable(built: _Built) -> None:
    with _program(built).open() as file:
        if file.read(len(SCRIPT)) != SCRIPT:
            raise InputError(
                "its `bootstrap` is the program itself, and the handler's name is not known",
                hint=f"say which handler it becomes: `NAME={built.path}`",
            )


def _handler(built: _Built, program: PackedEntry, *, name: str) -> InputFile:
    path, content = _read(built, program)
    architectures = runs_on(BytesIO(content), path)
    return _input_file(program, path, content, name=name, architectures=architectures)


def _other_file(built: _Built, member: PackedEntry, *, place: str, has_handlers: bool) -> InputFile:
    path, content = _read(built, member)
    architectures: frozenset[Arch] = frozenset()
    if has_handlers and stat.S_ISREG(member.kind) and may_be_handler(place):
        with suppress(NoProgram):
            architectures = runs_on(BytesIO(content), path)
    name = place
    if architectures and architectures != EVERYWHERE:
        (arch,) = architectures
        name = place.removesuffix(arch.suffix)
    if architectures:
        check_handler_name(name)
    return _input_file(member, path, content, name=name, architectures=architectures, place=place)


def _read(built: _Built, member: PackedEntry) -> tuple[Path, bytes]:
    with reading(built.path), member.open() as file:
        return Path(f"{built.path}!/{member.name}"), file.read(member.size + 1)


def _input_file(
    member: PackedEntry,
    path: Path,
    content: bytes,
    *,
    name: str,
    architectures: frozenset[Arch],
    place: str | None = None,
) -> InputFile:
    return InputFile(
        name=name,
        architectures=architectures,
        mode=0o755 if architectures else member.mode,
        source=MemberSource(
            path=path,
            size=len(content),
            crc32=deflate.crc32(content),
            open=member.open,
        ),
        place=place,
        is_link=stat.S_ISLNK(member.kind),
    )
