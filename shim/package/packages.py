"""Packages of a migration: each read once, and known by its bytes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

from shim.errors import InputError
from shim.package.read import Package, read_package


def code_sha256(package: Package) -> str | None:
    """The zip's SHA-256 in base64, as Lambda shows it (`CodeSha256`); None for a folder."""
    return None if package.zipped is None else file_sha256(Path(package.path))


def file_sha256(path: Path) -> str:
    """A file's SHA-256 as Lambda shows it; `InputError` where it can't be read."""
    try:
        with path.open("rb") as file:
            return b64encode(hashlib.file_digest(file, "sha256").digest()).decode()
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}: `{path}`") from error


class Packages:
    """What was read: two functions with one zip, or with two links to it, share one package."""

    def __init__(self) -> None:
        self._packages: dict[tuple[int, int], Package] = {}

    def __len__(self) -> int:
        """How many were read."""
        return len(self._packages)

    def read(self, path: Path) -> Package:
        """The package or layer at `path`; `InputError` where there is none."""
        try:
            status = path.stat()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"can't read the package, {reason}: `{path}`") from error
        known = self._packages.get((status.st_dev, status.st_ino))
        if known is None:
            known = self._packages[status.st_dev, status.st_ino] = read_package(path)
        return known
