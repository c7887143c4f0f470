"""Programs that ask much of the dynamic linker: where it looks, by which name, in which version."""

from __future__ import annotations

import random  # noqa: TC003 - dataclasses read annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shim.arch import Arch
from shim.check.runtimes import loader_of
from tests.check.oracle.programs import OUTER_NAME, PRIVATE_NAME, Programs, with_old_run_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOADER = "/var/task/lib/ld.so"
SUBFOLDERS = {
    Arch.X86_64: (
        *("glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4"),
        *("glibc-hwcaps/x86-64-v1", "tls", "tls/x86_64", "x86_64", "haswell", "tls/haswell/x86_64"),
        *("x86_64/x86_64", "avx512_1", "atomics"),
    ),
    Arch.ARM64: (
        *("atomics", "aarch64", "aarch64/atomics", "tls", "tls/atomics", "tls/aarch64/atomics"),
        *("atomics/aarch64", "glibc-hwcaps/x86-64-v2", "fp"),
    ),
}
"""Subfolders for kinds of machines, right and wrong."""

RUN_PATHS = (
    *(
        "$ORIGIN/$LIB",
        "${ORIGIN}/${LIB}",
        "$ORIGIN/libs/",
        "$ORIGIN/../$LIB",
        "/var/task/$PLATFORM",
    ),
    *(
        "$ORIGIN_x:$FOO/x",
        "/var/task/$FOO",
        "deep/down",
        ":/nowhere",
        "/var/task//libs",
        "/nowhere",
    ),
    *("${ORIGIN/libs", "$LIBS", "/var/task/libs:$ORIGIN/deep/down"),
)
FOLDERS = (
    "lib",
    "libs",
    "",
    "deep/down",
    "$FOO",
    "$LIBS",
    "${ORIGIN",
    "x86_64",
    "haswell",
    "aarch64",
)
NAMES = (
    *("libs/libshimprivate.so.1", "./libshimprivate.so.1", "/var/task/lib/libshimprivate.so.1"),
    *(
        "$ORIGIN/libs/libshimprivate.so.1",
        "${ORIGIN}/libshimprivate.so.1",
        "$LIB/libshimprivate.so.1",
    ),
)
ASKED = (
    *(("libz.so.1", "ZLIB_1.2.9"), ("libz.so.1", "ZLIB_1.2.12"), ("libz.so.1", "ZLIB_1.2.99")),
    *(("libuuid.so.1", "UUID_1.0"), ("libuuid.so.1", "UUID_2.36"), ("libuuid.so.1", "UUID_9.9")),
    *(("libgcc_s.so.1", "GCC_3.0"), ("libgcc_s.so.1", "GCC_12.0.0"), ("libgmp.so.10", "GMP_1")),
    *(("libacl.so.1", "ACL_1.2"), ("libacl.so.1", "ACL_2.0")),
    ("libselinux.so.1", "LIBSELINUX_3.4"),
    *(("libbz2.so.1", ""), ("libbz2.so.1.0", ""), ("libmvec.so.1", ""), ("libexpat.so.1", "")),
    *(("libtinfo.so.6", ""), ("libreadline.so.8", ""), ("libcrypto.so.3", "OPENSSL_3.0.0")),
    *(("libm.so.6", "GLIBC_2.29"), ("libm.so.6", "GLIBC_2.35"), ("libpthread.so.0", "GLIBC_2.31")),
    ("libstdc++.so.6", "CXXABI_1.3.13"),
)
"""Libraries and symbol versions that a release may have."""


class Adds(Protocol):
    """Puts a file into the package."""

    def __call__(self, name: str, data: bytes, *, mode: int | None = None) -> None:
        """See `Generator`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """Makes such programs and puts what they need somewhere, mostly right."""

    rng: random.Random
    mine: Programs
    other: Programs
    system: Mapping[str, bytes]
    """Files of the release: its `loader` and its C library, `libc`; none without a release."""
    name: str
    """Where the program goes."""
    add: Adds
    link: Callable[[str, str], None]
    environment: dict[str, str]

    def program(self) -> bytes:
        """One of some kind."""
        choice = self.rng.random()
        if choice < 0.25:
            return self.mine.asking(*self.rng.choice(ASKED))
        if choice < 0.5 and self.system:
            return self._own_loader()
        kinds = [self._for_machines, self._by_run_path, self._by_name, self._chained]
        return self.rng.choice(kinds)()

    def _library(self) -> bytes:
        """The library that is needed, or one that is not quite it."""
        good = self.mine.library()
        bad = [self.other.library(), good[:64], good[:300], b"no library\n" * 20, b""]
        return good if self.rng.random() < 0.85 else self.rng.choice(bad)

    def _put(self, path: str) -> None:
        """The library at a path of the package, or a folder in its place."""
        path = path.strip("/")
        if self.rng.random() < 0.04:
            self.add(f"{path}/file", b"", mode=0o644)
        else:
            self.add(path, self._library(), mode=0o644 if self.rng.random() < 0.95 else 0o600)

    def _for_machines(self) -> bytes:
        """The library in subfolders that only some machines look into, and perhaps beside them."""
        folder = self.rng.choice(["lib", "libs"])
        subfolders = SUBFOLDERS[self.mine.arch]
        for subfolder in self.rng.sample(subfolders, k=self.rng.choice([1, 1, 1, 2])):
            self._put(f"{folder}/{subfolder}/{PRIVATE_NAME}")
        if self.rng.random() < 0.4:
            self._put(f"{folder}/{PRIVATE_NAME}")
        self._set_path()
        return self._with_run_path(self.mine.needing(run_path="/var/task/libs"))

    def _by_run_path(self) -> bytes:
        """Run paths with words to replace, and words that aren't."""
        own = self.name.rpartition("/")[0]
        system = "lib/aarch64-linux-gnu" if self.mine.arch is Arch.ARM64 else "lib/x86_64-linux-gnu"
        folder = self.rng.choice([*FOLDERS, system, system])
        self._put(f"{self.rng.choice([own, ''])}/{folder}/{PRIVATE_NAME}")
        self._set_path()
        return self._with_run_path(self.mine.needing(run_path=self.rng.choice(RUN_PATHS)))

    def _by_name(self) -> bytes:
        """A needed name with a slash, or with words to replace."""
        own = self.name.rpartition("/")[0]
        folder = self.rng.choice(["lib", "libs", ""])
        self._put(f"{self.rng.choice([own, ''])}/{folder}/{PRIVATE_NAME}")
        return self.mine.needing(called=self.rng.choice(NAMES))

    def _chained(self) -> bytes:
        """A library that needs a library: whose run path counts for which?"""
        paths = ["", "/var/task/libs", "/var/task/outer", "$ORIGIN", "$ORIGIN/deep"]
        inner, outer = self.rng.choice(paths), self.rng.choice(paths[1:])
        self.add(f"outer/{OUTER_NAME}", self._with_run_path(self.mine.outer(inner)), mode=0o644)
        folder = self.rng.choice(["libs", "outer", "outer/deep", "lib", "deep"])
        self._put(f"{folder}/{PRIVATE_NAME}")
        return self._with_run_path(self.mine.needing_outer(f"{outer}:/var/task/outer"))

    def _own_loader(self) -> bytes:
        """An ELF interpreter in the package, with the C library of its build or without."""
        loader, folder = self.system["loader"], LOADER.removeprefix("/var/task/")
        choice = self.rng.random()
        if choice < 0.7:
            self.add(folder, loader, mode=0o755)
        elif choice < 0.76:
            targets = ["nowhere", "/bin/true", "/tmp", loader_of(self.mine.arch)]
            self.link(folder, self.rng.choice(targets))
        elif choice < 0.8:
            self.add(f"{folder}/file", b"")
        elif self.mine.arch is Arch.X86_64:
            # qemu opens the interpreter itself, and needs less of it than Linux.
            bad = [loader[:40], b"#!/bin/sh\n" + bytes(100), self.other.library(), b"", loader[:64]]
            self.add(folder, self.rng.choice(bad) if choice < 0.95 else loader, mode=self._mode())
        if self.rng.random() < 0.6:
            self.add("own/libc.so.6", self.system["libc"], mode=0o644)
        if self.rng.random() < 0.8:
            self._put(f"own/{PRIVATE_NAME}")
        program = self.mine.needing(run_path="/var/task/own", interpreter=LOADER)
        return self._with_run_path(program)

    def _mode(self) -> int:
        return self.rng.choice([0o755, 0o755, 0o644, 0o711, 0o750])

    def _with_run_path(self, data: bytes) -> bytes:
        """Its run path as the old kind or the new one."""
        return with_old_run_path(data) if self.rng.random() < 0.5 else data

    def _set_path(self) -> None:
        if self.rng.random() < 0.15:
            paths = ["/var/task/$LIB", ":", "/nowhere;/var/task/libs", "libs/", "$ORIGIN/libs", ""]
            self.environment["LD_LIBRARY_PATH"] = self.rng.choice(paths)
