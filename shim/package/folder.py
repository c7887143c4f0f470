"""Writes a package as a folder: whole or not at all, and never in the place of others' files."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shim.errors import InputError, MachineError
from shim.files import HAS_MODES, exchange
from shim.package.entry import checked_content
from shim.package.extension import EXTENSION_PROGRAMS
from shim.package.manifest import MANIFEST, read_manifest
from shim.package.names import PRIVATE
from shim.package.output import real_output
from shim.package.read import read_package

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shim.package.entry import Entry

_MARKS = (MANIFEST, f"{EXTENSION_PROGRAMS}/")
"""What only packages of ours have."""

_SHOWN = 3


def check_folder(path: Path) -> Path:
    """Where the folder will really be; refused before any work is done for it."""
    target = real_output(path)
    if not HAS_MODES:
        raise MachineError(
            "this system's files have no modes, and a package's programs need them",
            hint="write a zip: `-o FILE.zip`",
        )
    if target.exists() and not target.is_dir():
        raise InputError(f"the output exists and is not a folder: `{path}`")
    if Path.cwd().is_relative_to(target):
        raise InputError(f"the output would take the current folder's place: `{path}`")
    return target


def write_folder(
    path: Path, entries: Sequence[Entry], *, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Let `path` be a folder with these entries; one that is there has to be a package of ours."""
    target = check_folder(path)
    if target.exists():
        _check_ours(target, path, {entry.name for entry in entries})
    temporary = target.with_name(f".shim-{secrets.token_hex(8)}")
    try:
        _make_folder(temporary)
        for entry in entries:
            _write(entry, temporary)
            progress(entry.size)
        if target.exists():
            exchange(temporary, target)
        else:
            temporary.rename(target)
    except OSError as error:
        raise MachineError(f"can't write the folder, {error.strerror}: `{path}`") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_ours(target: Path, path: Path, names: Iterable[str]) -> None:
    """Refuse where a file would be lost that neither is written anew nor was by us."""
    package = read_package(target)
    there = [one for one, entry in package.names.items() if entry and not stat.S_ISDIR(entry.kind)]
    manifest = read_manifest(package)
    ours = {*names, *(manifest.paths if manifest else ())}
    if not any(one.startswith(_MARKS) for one in there):
        ours.clear()
    lost = [one for one in there if one not in ours and not one.startswith(f"{PRIVATE}/")]
    if lost:
        raise InputError(
            f"the folder has files that are not shim's,"
            f" {', '.join(f'`{one}`' for one in lost[:_SHOWN])}: `{path}`",
            hint="give a new or empty folder, or one that shim wrote and nobody added to",
        )


def _write(entry: Entry, root: Path) -> None:
    for parent in reversed(PurePosixPath(entry.name).parents[:-1]):
        _make_folder(root / parent)
    target = root / entry.name
    content = checked_content(entry)
    if entry.is_link:
        target.symlink_to(os.fsdecode(content))
        return
    with target.open("xb") as file:
        file.write(content)
    target.chmod(stat.S_IMODE(entry.mode))


def _make_folder(path: Path) -> None:
    """One that everybody may enter, whatever new ones are here."""
    if not path.exists():
        path.mkdir()
        path.chmod(0o755)
