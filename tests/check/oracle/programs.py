"""Programs of every kind that a package may hold, compiled by zig and kept outside the tree."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tests.kept import compiled, kept

if TYPE_CHECKING:
    from pathlib import Path

    from shim.arch import Arch

TOKEN = "handler ran"  # noqa: S105 - no secret
"""What every program and script prints once it really runs."""

MAIN = r"""
int puts(const char *);
#ifdef NEWER
extern void *NEWER(void);
#endif
#ifdef PRIVATE
extern int shim_private(void);
#endif
#ifdef OUTER
extern int shim_outer(void);
#endif
int main(int count, char **words) {
    (void)words;
#ifdef NEWER
    if (count > 1000) return NEWER() != 0;
#endif
#ifdef PRIVATE
    if (shim_private() != 42) return 1;
#endif
#ifdef OUTER
    if (shim_outer() != 42) return 1;
#endif
    puts("handler ran");
    return 0;
}
"""
PRIVATE = """
#ifdef VERSIONED
int getpid(void);
int shim_private(void) { return getpid() > 0 ? 42 : 0; }
#else
int shim_private(void) { return 42; }
#endif
"""
OUTER = "int shim_private(void);\nint shim_outer(void) { return shim_private(); }\n"
PRIVATE_NAME, OUTER_NAME = "libshimprivate.so.1", "libshimouter.so.1"
STUB = "void *shim_stub(void) { return 0; }\n"

# A function that glibc has had since then, so that the program asks for that version.
GLIBC = {
    "2.17": "secure_getenv",
    "2.26": "reallocarray",
    "2.28": "renameat2",
    "2.30": "gettid",
    "2.31": "pthread_clockjoin_np",
    "2.34": "closefrom",
    "2.36": "arc4random",
    "2.38": "strlcpy",
    "2.39": "pidfd_spawn",
}
GLIBCXX = ("3.4.19", "3.4.28", "3.4.30", "3.4.32")


@dataclass(kw_only=True)
class Programs:
    """The programs for one architecture, by what they are."""

    arch: Arch
    cache: Path

    def target(self, libc: str) -> str:
        """zig's name for the architecture and a libc."""
        return f"{self.arch.machine}-linux-{libc}"

    def compile(self, source: str, target: str, *options: str) -> bytes:
        """What zig makes of `source`."""
        words = ["-target", target, "-Os", "-s", *options]
        return compiled(self.cache, source, *words).read_bytes()

    def version_script(self, version: str, symbol: str) -> str:
        """The linker's option that gives `symbol` a version."""
        text = f"{version} {{ global: {symbol}; }};\n"
        script = kept(self.cache / f"{symbol}-{version}.map", lambda path: path.write_text(text))
        return f"-Wl,--version-script={script}"

    @cached_property
    def static(self) -> bytes:
        """Static, against musl."""
        return self.compile(MAIN, self.target("musl"), "-static")

    @cached_property
    def static_pie(self) -> bytes:
        """Static and position-independent."""
        return self.compile(MAIN, self.target("musl"), "-static-pie")

    @cached_property
    def musl(self) -> bytes:
        """Dynamic, against musl: its interpreter is on no Lambda machine."""
        return self.compile(MAIN, self.target("musl"), "-dynamic")

    def glibc(self, version: str) -> bytes:
        """Dynamic, against glibc, asking for a function of `version`."""
        return self.compile(
            MAIN,
            self.target(f"gnu.{version}"),
            f"-DNEWER={GLIBC[version]}",
            "-Wl,-z,lazy",
            "-w",
        )

    def cpp(self, version: str) -> bytes:
        """Dynamic, asking libstdc++ for GLIBCXX_`version`; never calls what it asks for."""
        return self.asking("libstdc++.so.6", f"GLIBCXX_{version}")

    def asking(self, library: str, version: str) -> bytes:
        """Dynamic, asking `library` for a symbol version, where one is named; never calls it."""
        options = [self.version_script(version, "shim_stub")] if version else []
        code = self.compile(
            STUB, self.target("gnu.2.17"), "-shared", f"-Wl,-soname,{library}", *options
        )
        stub = self._stub(code, f"stub-{version}", name=library)
        words = ["-DNEWER=shim_stub", "-Wl,-z,lazy", "-w", stub]
        return self.compile(MAIN, self.target("gnu.2.17"), *words)

    def library(self, version: str = "", *, called: str = PRIVATE_NAME) -> bytes:
        """`libshimprivate.so.1`, with a symbol version of its own where one is named.

        As `needing`, it has none of its own, but asks for those of glibc.
        """
        options = ["-shared", f"-Wl,-soname,{called}"]
        if version == "needing":
            options.append("-DVERSIONED")
        elif version:
            options.append(self.version_script(version, "shim_private"))
        return self.compile(PRIVATE, self.target("gnu.2.17"), *options)

    def needing(
        self,
        version: str = "",
        run_path: str = "",
        *,
        called: str = PRIVATE_NAME,
        interpreter: str = "",
    ) -> bytes:
        """Dynamic, needing that library by the name that it is `called`, with a run path."""
        library = self._stub(self.library(version, called=called), f"private-{version}-{called}")
        options = [library, *_run_path(run_path)]
        if interpreter:
            options.append(f"-Wl,--dynamic-linker={interpreter}")
        return self.compile(MAIN, self.target("gnu.2.17"), "-DPRIVATE", *options)

    def needing_outer(self, run_path: str = "") -> bytes:
        """Dynamic, needing a library that needs that library."""
        outer = self._stub(self.outer(), "outer", name=OUTER_NAME)
        options = ["-Wl,--allow-shlib-undefined", *_run_path(run_path)]
        return self.compile(MAIN, self.target("gnu.2.17"), "-DOUTER", *options, outer)

    def outer(self, run_path: str = "") -> bytes:
        """A library that needs that library."""
        options = ["-shared", f"-Wl,-soname,{OUTER_NAME}", *_run_path(run_path)]
        inner = self._stub(self.library(), "inner")
        return self.compile(OUTER, self.target("gnu.2.17"), *options, inner)

    def _stub(self, code: bytes, key: str, *, name: str = PRIVATE_NAME) -> str:
        """A library's file to link against."""
        # zig takes a library by its name's end, and looks at the first `.so` of the path.
        folder = self.cache / f"{key}-{self.arch}".replace("/", "_").replace(".so", "_so")
        return str(kept(folder / name, lambda path: path.write_bytes(code)))

    @cached_property
    def object_file(self) -> bytes:
        """What is not linked yet."""
        return self.compile(MAIN, self.target("musl"), "-c")


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    """`data` with a number of the ELF header changed."""
    changed = bytearray(data)
    struct.pack_into(form, changed, at, value)
    return bytes(changed)


def _run_path(path: str) -> list[str]:
    return [f"-Wl,-rpath,{path}"] if path else []


def with_old_run_path(data: bytes) -> bytes:
    """`data` with `DT_RPATH` in place of `DT_RUNPATH`: zig's linker knows only this one."""
    offset, count = struct.unpack_from("<32xQ16xH", data)
    for at in range(offset, offset + count * 56, 56):
        kind, begin, size = struct.unpack_from("<I4xQ16xQ", data, at)
        for tag in range(begin, begin + size, 16) if kind == 2 else ():
            if struct.unpack_from("<Q", data, tag) == (29,):
                return patched(data, tag, "<Q", 15)
    return data
