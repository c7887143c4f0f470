"""What has to be built anew, so that a function starts where it is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.elf import MAGIC, ElfInvalid
from shim.package.contents import Unreadable
from shim.package.executables import Kind, elf_start, first_bytes, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.arch import Arch
    from shim.check.findings import Finding
    from shim.check.state import State
    from shim.package.read import Entry, Package

_TOO_NEW = {"glibc-too-new": "GLIBC", "libstdcxx-too-new": "GLIBCXX"}
"""Codes of programs from a newer system, and the versions of which the runtime has fewer."""

_BUILT_WRONG = frozenset(
    {"elf-not-64-bit", "elf-not-executable", "elf-invalid", "elf-truncated", "program-not-linux"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Anew:
    """A file to be built anew, and for what."""

    path: str
    """In the package; in a layer with that layer's name before it."""
    purpose: str
    """`for arm64`, `against GLIBC 2.26 or older`."""


def built_anew(state: State, errors: Iterable[Finding]) -> tuple[Anew, ...]:
    """For the wanted `state`, by its packages, and by what the verdict on it found.

    That may not be all: a start that fails early shows nothing of what would have come then.
    """
    found = dict.fromkeys(_foreign(state))
    for error in errors:
        if error.code == "bootstrap-missing":
            found[
                Anew(path="bootstrap", purpose="with `shim pack`, or a layer of `shim layer`")
            ] = None
        elif error.code in _TOO_NEW:
            kind = _TOO_NEW[error.code]
            purpose = f"against {kind} {state.runtime.version(kind)} or older"
            found[Anew(path=_path(error.location, state), purpose=purpose)] = None
        elif error.code in _BUILT_WRONG:
            found[Anew(path=_path(error.location, state), purpose=f"for {state.arch}")] = None
    return tuple(found)


def _foreign(state: State) -> Iterator[Anew]:
    """Every ELF file of another architecture that has no variant for this one."""
    for package in (state.package, *state.layers):
        for path, entry in package.names.items():
            if entry is not None and _is_foreign(entry, path, package, state.arch):
                where = path if package is state.package else f"{package.path}!/{path}"
                yield Anew(path=where, purpose=f"for {state.arch}")


def _is_foreign(entry: Entry, path: str, package: Package, arch: Arch) -> bool:
    built_for = _arch_of(entry)
    if built_for in {None, arch} or path.startswith(".shim/"):
        return False
    other = package.names.get(path + arch.suffix) if arch.suffix else None
    if other is None and built_for and built_for.suffix:
        other = package.names.get(path.removesuffix(built_for.suffix))
    if other is not None and _arch_of(other) is arch:
        return False
    # A launcher isn't built: `shim pack` brings it.
    return kind_of(entry) is not Kind.LAUNCHER


def _arch_of(entry: Entry) -> Arch | None:
    """What an ELF file is built for; None where it is none."""
    if not first_bytes(entry).startswith(MAGIC):
        return None
    try:
        return elf_start(entry).arch
    except (ElfInvalid, Unreadable):
        return None


def _path(location: str, state: State) -> str:
    return location.removeprefix(f"{state.package.path}!/")
