"""What each runtime offers: runtimes.toml as values, validated when they are read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.check.listing import DataInvalid, read_listing
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shim.check.listing import Listing

_DATA = Path(__file__).with_name("runtimes.toml")
_ABI = "GLIBC_ABI_"
_ABI_SINCE = (2, 36)  # glibc's NEWS for 2.36: the first of these versions without a number


BASH = "bash"
"""What `sh` is on Amazon Linux."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """What Lambda itself does and takes, whatever the runtime."""

    path: tuple[str, ...]
    library_path: tuple[str, ...]
    extensions: int
    layers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was seen in production to be behind the image that the listings were read from."""

    day: date
    versions: Mapping[str, tuple[int, ...]]
    """The newest that production had, of each kind of symbol version."""
    missing: frozenset[str]
    """Libraries of the image that production did not have."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Runtime:
    """One runtime: what a package finds in it, and until when."""

    name: str
    system: str
    architectures: frozenset[Arch]
    listings: Callable[[Arch], Listing]
    """What the image has, for each of the architectures."""
    image: date
    """When it was read."""
    known_programs: frozenset[str]
    """Programs beside those of the listing, as absolute paths of every architecture."""
    merged_usr: bool
    library_folders: tuple[str, ...]
    """With `{triplet}` where the architecture stands."""
    versions: Mapping[str, tuple[int, ...]]
    """The newest of each kind of symbol version: `GLIBC` 2.34."""
    more_versions: frozenset[str] = frozenset()
    """Symbol versions beside those that the libraries of a mere list of names define."""
    unversioned: frozenset[str] = frozenset()
    """Libraries of such a list that define none at all."""
    reports: tuple[Report, ...] = ()
    shell: str = BASH
    """What its `sh` is."""
    container: str = ""
    """The name of its container image; none where nobody publishes one."""
    digests: Mapping[Arch, str] = field(default_factory=dict)
    """Those of the image that the listings were read from, where they were."""
    runs_handler: bool = False
    """Whether the file that Handler names is run itself, and no `bootstrap`."""
    is_test: bool = False
    support_ends: date | None = None
    create_blocked: date | None = None
    update_blocked: date | None = None
    results: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What is worked out of it (`shim.package.kept`)."""

    def folders(self, arch: Arch) -> tuple[str, ...]:
        """Where the dynamic linker finds this runtime's own libraries."""
        return folders_of(self.library_folders, arch)

    def listing(self, arch: Arch) -> Listing:
        """What the image has; another architecture's, where the runtime is not on this one."""
        return self.listings(arch if arch in self.architectures else min(self.architectures))

    def programs(self, arch: Arch) -> frozenset[str]:
        """Absolute paths; where /bin is /usr/bin, those in /usr/bin."""
        return self.known_programs | self.listing(arch).programs

    def version(self, kind: str) -> str:
        """The newest version of `kind`, as people write it."""
        return ".".join(map(str, self.versions[kind]))

    def defines(self, library: str, version: str, arch: Arch) -> bool | None:
        """Whether the runtime's `library` has that symbol version; None where nobody knows.

        One without any takes them all (`check_linking` says why).
        """
        known = self.listing(arch).libraries.get(library)
        if known is not None:
            return not known or version in known
        if version in self.more_versions or library in self.unversioned:
            return True
        if version.startswith(_ABI):
            return False if self.versions["GLIBC"] < _ABI_SINCE else None
        kind, numbers = split_version(version)
        newest = self.versions.get(kind)
        return None if newest is None or numbers is None else numbers <= newest


def loader_of(arch: Arch) -> str:
    """The path of glibc's dynamic linker, the same on every system.

    (x86-64 psABI; glibc, sysdeps/unix/sysv/linux/aarch64.)
    """
    return "/lib/ld-linux-aarch64.so.1" if arch is Arch.ARM64 else "/lib64/ld-linux-x86-64.so.2"


def folders_of(folders: tuple[str, ...], arch: Arch) -> tuple[str, ...]:
    """Folders of libraries for one architecture, which Debian names in them: `{triplet}`."""
    return tuple(folder.replace("{triplet}", f"{arch.machine}-linux-gnu") for folder in folders)


def split_version(version: str) -> tuple[str, tuple[int, ...] | None]:
    """`GLIBC_2.34` as its kind and its numbers; None for what has none."""
    kind, _, text = version.rpartition("_")
    try:
        return kind, _numbers(text)
    except ValueError:
        return kind, None


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


def lambda_runtimes() -> list[Runtime]:
    """Those that Lambda has, the newest first."""
    return [runtime for runtime in read_runtimes().values() if not runtime.is_test]


def known_runtime(name: str) -> Runtime:
    """The runtime of that name; `InputError` where it is not an OS-only one."""
    runtimes = read_runtimes()
    if name not in runtimes:
        names = ", ".join(runtime.name for runtime in lambda_runtimes())
        raise InputError(f"not an OS-only runtime: `{name}`", hint=f"one of {names}")
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
        listings=partial(read_listing, _of(table, "listing", str, name)),
        image=_of(table, "image", date, name),
        known_programs=frozenset(
            f"/usr/bin/{program}" if merged else program
            for program in _of(table, "programs", list, name, default=[])
        ),
        merged_usr=merged,
        library_folders=tuple(_of(table, "library_folders", list, name)),
        versions=_versions(_of(table, "versions", dict, name)),
        more_versions=frozenset(_of(table, "more_versions", list, name, default=[])),
        unversioned=frozenset(_of(table, "unversioned", list, name, default=[])),
        reports=tuple(
            _report(name, dict(one)) for one in _of(table, "reports", list, name, default=[])
        ),
        shell=_of(table, "shell", str, name, default=BASH),
        container=_of(table, "container", str, name, default=""),
        digests={
            Arch(arch): digest
            for arch, digest in _of(table, "digests", dict, name, default={}).items()
        },
        runs_handler=_of(table, "starts", str, name, default="bootstrap") == "handler",
        is_test=_of(table, "test_only", bool, name, default=False),
        support_ends=table.pop("support_ends", None),
        create_blocked=table.pop("create_blocked", None),
        update_blocked=table.pop("update_blocked", None),
    )
    _refuse_rest(table, name)
    if not all(program.startswith("/") for program in runtime.known_programs):
        raise DataInvalid(f"runtimes.toml: {name} has programs that are not absolute paths")
    if "GLIBC" not in runtime.versions:
        raise DataInvalid(f"runtimes.toml: {name} doesn't say which glibc it has")
    return runtime


def _report(name: str, table: dict[str, Any]) -> Report:
    report = Report(
        day=_of(table, "day", date, name),
        versions=_versions(_of(table, "versions", dict, name, default={})),
        missing=frozenset(_of(table, "missing", list, name, default=[])),
    )
    _refuse_rest(table, name)
    return report


def _refuse_rest(table: dict[str, Any], name: str) -> None:
    if table:
        raise DataInvalid(f"runtimes.toml: {name} has what nothing reads: {', '.join(table)}")


def _versions(table: dict[str, str]) -> dict[str, tuple[int, ...]]:
    return {kind: _numbers(text) for kind, text in table.items()}


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _of(table: dict[str, Any], key: str, kind: type, name: str, *, default: Any = None) -> Any:
    value = table.pop(key, default)
    if not isinstance(value, kind):
        raise DataInvalid(f"runtimes.toml: {name} has no {key}, or not as a {kind.__name__}")
    return value
