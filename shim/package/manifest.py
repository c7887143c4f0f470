"""`.shim/manifest.json`: what `shim pack` says of the package that it made."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.errors import InputError
from shim.fields import read_json
from shim.package.contents import Unreadable
from shim.package.kept import kept
from shim.package.names import PRIVATE, check_handler_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.fields import Field
    from shim.package.read import Package

MANIFEST = f"{PRIVATE}/manifest.json"
MANIFEST_FORMAT = 1
"""Counted up when a reader of the manifest must know of a change."""

_LIMIT = 32 << 20
"""Bytes: more than any that names 100,000 files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What it says of the package's handlers."""

    handlers: Mapping[str, Mapping[Arch, str]]
    """By name and architecture: where the program lies."""

    @property
    def paths(self) -> frozenset[str]:
        """Where the handlers' programs lie."""
        return frozenset(path for variants in self.handlers.values() for path in variants.values())


def read_manifest(package: Package) -> Manifest | None:
    """The package's; None where it has none, or one that is to be ignored."""
    found = _read(package)
    return found if isinstance(found, Manifest) else None


def manifest_problem(package: Package) -> str | None:
    """Why the manifest that is there is to be ignored."""
    found = _read(package)
    return found if isinstance(found, str) else None


@kept
def _read(package: Package) -> Manifest | str | None:
    entry = package.names.get(MANIFEST)
    if entry is None or not stat.S_ISREG(entry.kind):
        return None
    if entry.size > _LIMIT:
        return "it is larger than any that shim writes"
    try:
        document = read_json(entry.read(0, _LIMIT))
        if document["format"].whole() != MANIFEST_FORMAT:
            document["format"].refuse(f"this shim reads the format {MANIFEST_FORMAT}")
        handlers = document["handlers"]
        return Manifest(
            handlers={name: _paths(handlers[name], name, package) for name in handlers.names()}
        )
    except Unreadable as error:
        return str(error)
    except InputError as error:
        return error.message


def _paths(variants: Field, name: str, package: Package) -> dict[Arch, str]:
    """Where a handler's programs lie; each has to be there, in its size."""
    check_handler_name(name)
    found = {arch: variants[arch]["file"].text() for arch in Arch if variants.has(arch)}
    for arch, path in found.items():
        entry = package.names.get(path)
        size = variants[arch]["size"].whole()
        if entry is None or not stat.S_ISREG(entry.kind) or entry.size != size:
            variants[arch].refuse(f"`{path}` is another file, or none")
    if not found:
        variants.refuse("it names no program")
    return found
