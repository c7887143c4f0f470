"""What each runtime offers: runtimes.toml as values, validated when they are read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_DATA = Path(__file__).with_name("runtimes.toml")
_LOADERS = {Arch.X86_64: "/lib64/ld-linux-x86-64.so.2", Arch.ARM64: "/lib/ld-linux-aarch64.so.1"}
"""glibc's own, the same on every system (x86-64 psABI; glibc, sysdeps/unix/sysv/linux/aarch64)."""


class DataInvalid(Exception):
    """runtimes.toml holds what it may not: a mistake of ours, not of the user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What Lambda itself does and takes, whatever the runtime."""

    path: tuple[str, ...]
    library_path: tuple[str, ...]
    extensions: int
    layers: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runtime:
    """One runtime: what a package finds in it, and until when."""

    name: str
    system: str
    architectures: frozenset[Arch]
    programs: frozenset[str]
    """Absolute paths; where /bin is /usr/bin, those in /usr/bin."""
    merged_usr: bool
    libraries: frozenset[str]
    library_folders: tuple[str, ...]
    """With `{triplet}` where the architecture stands."""
    versions: Mapping[str, tuple[int, ...]]
    """The newest of each kind of symbol version: `GLIBC` 2.34."""
    runs_handler: bool
    """Whether the file that Handler names is run itself, and no `bootstrap`."""
    is_test: bool
    support_ends: date | None
    create_blocked: date | None
    update_blocked: date | None

    def folders(self, arch: Arch) -> tuple[str, ...]:
        """Where the dynamic linker finds this runtime's own libraries."""
        triplet = f"{arch.machine}-linux-gnu"
        return tuple(folder.replace("{triplet}", triplet) for folder in self.library_folders)

    def loader(self, arch: Arch) -> str:
        """The dynamic linker's path."""
        return _LOADERS[arch]

    def version(self, kind: str) -> str:
        """The newest version of `kind`, as people write it."""
        return ".".join(map(str, self.versions[kind]))


@cache
def read_service() -> Service:
    """What Lambda itself does and takes."""
    table = _read()["lambda"]
    return Service(
        path=tuple(table["path"]),
        library_path=tuple(table["library_path"]),
        extensions=table["extensions"],
        layers=table["layers"],
    )


@cache
def read_runtimes() -> Mapping[str, Runtime]:
    """Every runtime by its name, the newest first; raises `DataInvalid`."""
    tables = _read()["runtime"]
    return {name: _runtime(name, _inherited(tables, name)) for name in tables}


def known_runtime(name: str) -> Runtime:
    """The runtime of that name; `InputError` where it is not an OS-only one."""
    runtimes = read_runtimes()
    if name not in runtimes:
        raise InputError(
            f"no OS-only runtime is called that: `{name}`", hint=f"one of {', '.join(runtimes)}"
        )
    return runtimes[name]


@cache
def _read() -> dict[str, Any]:
    return tomllib.loads(_DATA.read_text(encoding="utf-8"))


def _inherited(tables: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    own = dict(tables[name])
    return {**tables[own.pop("like")], **own} if "like" in own else own


def _runtime(name: str, table: dict[str, Any]) -> Runtime:
    merged = _of(table, "merged_usr", bool, name)
    runtime = Runtime(
        name=name,
        system=_of(table, "system", str, name),
        architectures=frozenset(map(Arch, _of(table, "architectures", list, name))),
        programs=frozenset(
            f"/usr/bin/{program}" if merged else program
            for program in _of(table, "programs", list, name)
        ),
        merged_usr=merged,
        libraries=frozenset(_of(table, "libraries", list, name)),
        library_folders=tuple(_of(table, "library_folders", list, name)),
        versions={
            kind: tuple(map(int, text.split(".")))
            for kind, text in _of(table, "versions", dict, name).items()
        },
        runs_handler=table.pop("starts", "bootstrap") == "handler",
        is_test=table.pop("test_only", False),
        support_ends=table.pop("support_ends", None),
        create_blocked=table.pop("create_blocked", None),
        update_blocked=table.pop("update_blocked", None),
    )
    if table:
        raise DataInvalid(f"runtimes.toml: {name} has what nothing reads: {', '.join(table)}")
    if not all(program.startswith("/") for program in runtime.programs):
        raise DataInvalid(f"runtimes.toml: {name} has programs that are no absolute paths")
    if not {"GLIBC", "GLIBCXX", "CXXABI"} <= runtime.versions.keys():
        raise DataInvalid(f"runtimes.toml: {name} doesn't say all versions")
    return runtime


def _of(table: dict[str, Any], key: str, kind: type, name: str) -> Any:
    value = table.pop(key, None)
    if not isinstance(value, kind):
        raise DataInvalid(f"runtimes.toml: {name} has no {key}, or not as a {kind.__name__}")
    return value
