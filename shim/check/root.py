"""A root file system as a runtime: its loader, libraries and programs, read from a folder.

Nobody vouches for the folder: links are followed as a process inside of it would follow them, so
that none leads out, and what is read of it is bounded.
"""

from __future__ import annotations

import os
import stat
from itertools import islice
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.ld_cache import read_cache
from shim.check.listing import Listing
from shim.check.runtimes import (
    BASH,
    Runtime,
    folders_of,
    loader_of,
    read_service,
    split_version,
)
from shim.elf import SHARED, ElfInvalid, read_linking, read_start
from shim.errors import InputError
from shim.files import open_cautiously, read_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from shim.elf import Linking

_LIBC = "libc.so.6"
_FOLDERS = (
    ("/lib/{triplet}", "/usr/lib/{triplet}"),
    ("/lib64", "/usr/lib64"),
    ("/lib", "/usr/lib"),
)
"""Where distributions build their glibc to look for libraries: Debian's, Red Hat's, others'."""

_KINDS = {"GLIBC", "GLIBCXX", "CXXABI"}
_NAMES_LIMIT = 20_000
_LINKS_LIMIT = 40
_TEXT_LIMIT = 1 << 20
_BYTES_LIMIT = 2 << 30
"""Read of one folder in all: a system of hundreds of libraries takes some dozen megabytes."""


def read_root(folder: Path, *, day: date, name: str = "") -> Runtime:
    """The runtime that the root file system in `folder` is; raises `InputError`."""
    root = _Root(folder)
    loaders = {arch: root.library(loader_of(arch), arch) for arch in Arch}
    architectures = [arch for arch, loader in loaders.items() if loader is not None]
    folders = next((one for one in _FOLDERS if _has_libc(root, one, architectures)), None)
    if not architectures or folders is None:
        raise InputError(
            f"no root file system with glibc: `{folder}`",
            hint="give the folder that has the image's bin, etc, lib and usr",
        )
    merged = root.resolve("/bin") == root.resolve("/usr/bin")
    found = {arch: _listing(root, arch, folders, merged=merged) for arch in architectures}
    return Runtime(
        name=name or os.fsencode(folder).decode(errors="replace"),
        system=_system(root),
        architectures=frozenset(architectures),
        listings=found.__getitem__,
        image=day,
        known_programs=frozenset(),
        merged_usr=merged,
        library_folders=folders,
        versions=_versions(found[architectures[0]]),
        shell=(root.resolve("/bin/sh") or BASH).rpartition("/")[2],
    )


class _Root:
    """Looks into the folder by paths as they are inside of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = _BYTES_LIMIT

    def resolve(self, path: str) -> str | None:
        """The path with all links followed, without its first `/`; None where nothing is."""
        parts, real, links = path.split("/")[::-1], list[str](), 0
        while parts:
            part = parts.pop()
            if part == "..":
                del real[-1:]
            if part in {"", ".", ".."}:
                continue
            file = self._outside([*real, part])
            try:
                target = str(file.readlink()) if stat.S_ISLNK(file.lstat().st_mode) else None
            except (OSError, ValueError):
                return None
            if target is None:
                real.append(part)
                continue
            links += 1
            if links > _LINKS_LIMIT:
                return None
            real = [] if target.startswith("/") else real
            parts += target.split("/")[::-1]
        return "/".join(real)

    def names(self, folder: str) -> list[str]:
        """What a folder has, sorted; nothing where it is none."""
        real = self.resolve(folder)
        try:
            with os.scandir(self._outside([real or ""])) as entries:
                names = [entry.name for entry in islice(entries, _NAMES_LIMIT)]
        except OSError:
            return []
        return sorted(names) if real is not None else []

    def is_program(self, path: str) -> bool:
        """Whether everybody may execute the file there."""
        real = self.resolve(path)
        if real is None:
            return False
        try:
            mode = self._outside([real]).lstat().st_mode
        except OSError:
            return False
        return stat.S_ISREG(mode) and bool(mode & 0o001)

    def read(self, path: str, at: int, size: int) -> bytes:
        """Bytes of the regular file there; none of anything else."""
        real = self.resolve(path)
        if real is None:
            return b""
        self._left -= size
        if self._left < 0:
            raise InputError(
                f"no root file system that anything runs in: `{self._folder}`",
                hint="its libraries say of themselves that they are larger than any are",
            )
        try:
            file = open_cautiously(self._outside([real]))
        except OSError:
            return b""
        try:
            return read_at(file, size, at) if stat.S_ISREG(os.fstat(file).st_mode) else b""
        except OSError:
            return b""
        finally:
            os.close(file)

    def library(self, path: str, arch: Arch) -> Linking | None:
        """What the shared library there says; None where there is none for that architecture."""

        def read(at: int, size: int) -> bytes:
            return self.read(path, at, size)

        try:
            start = read_start(read)
            is_library = start.is_64_bit and start.type == SHARED
            linking = read_linking(start, read) if is_library else None
        except (ElfInvalid, OverflowError):
            return None
        return linking if start.machine == arch.elf_machine else None

    def _outside(self, parts: list[str]) -> Path:
        return self._folder.joinpath(*parts)


def _has_libc(root: _Root, folders: tuple[str, ...], architectures: list[Arch]) -> bool:
    return all(
        any(root.library(f"{folder}/{_LIBC}", arch) for folder in folders_of(folders, arch))
        for arch in architectures
    )


def _listing(root: _Root, arch: Arch, folders: tuple[str, ...], *, merged: bool) -> Listing:
    paths = {
        name: f"{folder}/{name}"
        for folder in folders_of(folders, arch)
        for name in root.names(folder)
        if ".so" in name
    }
    for name, path in read_cache(root.read("/etc/ld.so.cache", 0, _TEXT_LIMIT)):
        paths.setdefault(name, path)
    return Listing(
        programs=frozenset(_programs(root, merged=merged)),
        libraries=dict(_libraries(root, paths, arch)),
    )


def _libraries(
    root: _Root, paths: Mapping[str, str], arch: Arch
) -> Iterator[tuple[str, frozenset[str]]]:
    """Those that somebody may ask for: not a file that is only reached by links to it."""
    for name, path in paths.items():
        library = root.library(path, arch) if _is_plain(name) else None
        if library is None:
            continue
        is_link = not f"/{root.resolve(path)}".endswith(f"/{name}")
        if is_link or library.soname in {None, name}:
            yield name, library.defines


def _programs(root: _Root, *, merged: bool) -> Iterator[str]:
    """Along the PATH that Lambda sets."""
    for folder in read_service().path:
        real = f"/usr{folder}" if merged and folder == "/bin" else folder
        if not real.startswith("/opt/"):
            paths = (f"{real}/{name}" for name in root.names(folder) if _is_plain(name))
            yield from filter(root.is_program, paths)


def _is_plain(name: str) -> bool:
    """Whether a listing, which has words and lines, can hold the name."""
    return len(name.split()) == 1 and name.isprintable()


def _system(root: _Root) -> str:
    text = root.read("/etc/os-release", 0, _TEXT_LIMIT).decode(errors="replace")
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME" and value.isprintable():
            return value.strip("\"'")
    return "unknown"


def _versions(listing: Listing) -> dict[str, tuple[int, ...]]:
    """The newest of each kind that messages speak of."""
    newest: dict[str, tuple[int, ...]] = {}
    # Without the linker: Red Hat's glibc 2.34 gave it a GLIBC_2.35, for rseq.
    others = [some for name, some in listing.libraries.items() if not name.startswith("ld-linux")]
    for version in {one for defined in others for one in defined or ()}:
        kind, numbers = split_version(version)
        if kind in _KINDS and numbers is not None:
            newest[kind] = max(numbers, newest.get(kind, ()))
    return newest
