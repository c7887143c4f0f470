"""Small packages for migrations: what a package holds decides where it starts."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from tests.check.builders import DUAL, entry, launcher, package, program

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shim.package.read import Entry, Package

AL2023, AL2, GO = "provided.al2023", "provided.al2", "go1.x"


def single(arch: Arch, *handlers: str, path: str = "single.zip") -> Package:
    """A launcher and handlers for one architecture."""
    files = [entry(name, program(arch)) for name in handlers]
    return package(entry("bootstrap", launcher(arch)), *files, path=path)


def dual(*handlers: str, path: str = "dual.zip") -> Package:
    """What `shim pack` makes for both architectures."""
    files = [entry(name + arch.suffix, program(arch)) for name in handlers for arch in Arch]
    return package(
        entry("bootstrap", DUAL),
        *(entry(f".shim/{arch.machine}", launcher(arch)) for arch in Arch),
        *files,
        path=path,
    )


def bare(*handlers: str, path: str = "go.zip") -> Package:
    """Programs alone, as `go1.x` has them."""
    return package(*(entry(name, program()) for name in handlers), path=path)


def layer(*entries: Entry, path: str = "layer.zip") -> Package:
    """A layer."""
    return package(*entries, path=path)


def extension(arch: Arch, path: str = "extension.zip") -> Package:
    """A layer with an extension that starts on one architecture."""
    return layer(entry("extensions/agent", program(arch)), path=path)


def state(
    code: Package,
    *,
    arch: Arch = Arch.X86_64,
    runtime: str = AL2023,
    handler: str = "orders",
    layers: tuple[Package, ...] = (),
    environment: tuple[tuple[str, str], ...] = (),
) -> State:
    """A function's state."""
    return State(
        package=code,
        arch=arch,
        runtime=read_runtimes()[runtime],
        handler=handler,
        layers=layers,
        environment=environment,
    )


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    """A real zip of programs."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o755) << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path
