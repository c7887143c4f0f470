"""A project's files: nothing outside of it is read, wherever a template or a link leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shim.errors import InputError
from shim.fields import naming, read_file

if TYPE_CHECKING:
    from pathlib import Path


class Project(Protocol):
    """Where templates and what they name are looked for."""

    def find(self, path: Path) -> Path | None:
        """The file or folder on disk that the path means; None for all that is not in here."""

    def name(self, path: Path) -> str:
        """What people call it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """A project as it lies on disk."""

    root: Path

    def find(self, path: Path) -> Path | None:
        """See `Project`."""
        try:
            is_inside = path.resolve(strict=True).is_relative_to(self.root.resolve())
        except (OSError, ValueError, RuntimeError):  # not there, a NUL, a circle of links
            return None
        return path if is_inside else None

    def name(self, path: Path) -> str:
        """See `Project`."""
        return str(path)


def project_of(path: Path) -> Folder:
    """The project that a file is in: the checkout, else the file's own folder."""
    folder = path.resolve().parent
    for one in (folder, *folder.parents):
        if (one / ".git").exists():
            return Folder(root=one)
    return Folder(root=folder)


def read_inside(project: Project, path: Path) -> bytes:
    """The bytes of a project's file; `InputError` that names it."""
    found = project.find(path)
    if found is None:
        raise InputError(f"no such file in the project: `{project.name(path)}`")
    if not found.is_file():
        raise InputError(f"not a file: `{project.name(path)}`")
    with naming(project.name(path)):
        return read_file(found)
