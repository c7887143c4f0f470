"""Compiles the lean launchers: Cython and zig, from PyPI, for both architectures on any machine.

`python build/lean.py FOLDER` writes `lean-x86_64` and `lean-arm64` there. The link fails when
anything in the launch path needs the interpreter or libc: neither is given to the linker.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "shim" / "launcher"
LINKER_SCRIPT = ROOT / "build" / "lean.ld"
MODULES = ("launch", "report")

FLAGS = (
    # zig makes -Os of -Oz; clang itself takes it.
    *("-Oz", "-Xclang", "-Oz", "-mllvm", "-inline-threshold=-20", "-fno-vectorize"),
    "-fno-slp-vectorize",
    # Before libc has started its functions must not be called, and no thread storage exists.
    *("-fno-builtin", "-fno-stack-protector", "-fno-sanitize=all"),
    *("-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fomit-frame-pointer", "-g0"),
    # What Cython writes around our functions is dropped section by section.
    *("-ffunction-sections", "-fdata-sections", "-fno-pic", "-fno-pie"),
    # Cython's own code, all of it dropped, warns in places.
    "-w",
)
# The lean launcher never comes back: where it would go then doesn't matter.
LEAN_ENTRY = ('-DSHIM_MAIN="shim_launch_or_report"', '-DSHIM_AFTERWARDS="shim_entry"')
FULL_ENTRY = ('-DSHIM_MAIN="shim_launch"', '-DSHIM_AFTERWARDS="_start"')
LINK_FLAGS = (
    *("-static", "--gc-sections", "--strip-all", "--build-id=none", "-T", str(LINKER_SCRIPT)),
    *("-z", "noseparate-code", "-z", "max-page-size=4096", "-z", "nosectionheader"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One architecture: its name in Lambda's API, zig's name for it, flags of its own."""

    arch: str
    zig: str
    flags: tuple[str, ...] = ()
    modules: tuple[str, ...] = MODULES
    entry: tuple[str, ...] = LEAN_ENTRY


TARGETS = (
    Target(arch="x86_64", zig="x86_64-linux-musl"),
    # Addresses in one instruction instead of two.
    Target(arch="arm64", zig="aarch64-linux-musl", flags=("-mcmodel=tiny",)),
)


class BuildError(Exception):
    """A launcher could not be compiled; the sentence says what to do."""


def build_lean(folder: Path, *, sources: Path = SOURCES, flags: tuple[str, ...] = ()) -> list[Path]:
    """Compile the launchers of both architectures into `folder` and return their paths.

    Same sources, same bytes; further `flags` of the compiler are for the tests' own builds. Raises
    `BuildError` with what the compiler said.
    """
    targets = tuple(replace(target, flags=(*target.flags, *flags)) for target in TARGETS)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="shim-build-") as name:
        work = Path(name)
        includes = (sources, work, *_header_folders(work / "headers"))
        with ThreadPoolExecutor() as pool:
            list(pool.map(partial(_translate, work=work, sources=sources), MODULES))
            compile_for = partial(_compile, work=work, sources=sources, includes=includes)
            objects = list(pool.map(compile_for, targets))
        return [
            _link(*pair, work=work, folder=folder) for pair in zip(targets, objects, strict=True)
        ]


def build_launch_path(arch: str, folder: Path, *, sources: Path = SOURCES) -> Path:
    """Compile the full launcher's entry to `libshim.a` in `folder`, and return its one object.

    All that the entry doesn't reach is gone from it; what it still refers to is not there.
    """
    target = next(target for target in TARGETS if target.arch == arch)
    # Its strings may lie further away than a tiny program's.
    target = replace(target, flags=(), modules=("launch",), entry=FULL_ENTRY)
    includes = (sources, folder, *_header_folders(folder / "headers"))
    _translate("launch", work=folder, sources=sources)
    objects = _compile(target, work=folder, sources=sources, includes=includes)
    linked = folder / "shim.o"
    only_reached = ("-r", "--gc-sections", "-e", "shim_entry", "--build-id=none")
    _run("ziglang", "ld.lld", *only_reached, "-o", str(linked), *objects, work=folder)
    (folder / "libshim.a").unlink(missing_ok=True)
    _run("ziglang", "ar", "rcD", str(folder / "libshim.a"), str(linked), work=folder)
    return linked


def _translate(module: str, *, work: Path, sources: Path) -> None:
    _run("cython", "-3", str(sources / f"{module}.py"), "-o", str(work / f"{module}.c"))


def _compile(target: Target, *, work: Path, sources: Path, includes: tuple[Path, ...]) -> list[str]:
    flags = ("-target", target.zig, *FLAGS, *target.entry, *target.flags)
    folders = [f"-I{path}" for path in includes]
    objects = []
    for source in (sources / "entry.c", *(work / f"{module}.c" for module in target.modules)):
        objects.append(str(work / f"{source.stem}-{target.arch}.o"))
        _run("ziglang", "cc", *flags, *folders, "-c", str(source), "-o", objects[-1], work=work)
    return objects


def _link(target: Target, objects: list[str], *, work: Path, folder: Path) -> Path:
    linked = work / f"lean-{target.arch}"
    _run("ziglang", "ld.lld", *LINK_FLAGS, "-o", str(linked), *objects, work=work)
    program = linked.read_bytes()
    path = folder / linked.name
    path.write_bytes(program[: _loaded_size(program)])
    path.chmod(0o755)
    return path


def _loaded_size(program: bytes) -> int:
    """Where the first segment ends: the linker leaves names behind it that nothing refers to."""
    size = int.from_bytes(program[64 + 32 : 64 + 40], "little")
    if not 0 < size <= len(program):
        raise BuildError(f"the linker wrote a segment of an impossible size: {size}")
    return size


def _header_folders(folder: Path) -> list[Path]:
    """Where `Python.h` and all that it includes is found, whatever machine is compiled for.

    Debian's `pyconfig.h` includes one for the machine that is compiled for, which only that
    machine's own package has. Nothing of it gets into the launcher: this machine's serves.
    """
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        raise BuildError(
            f"the headers of this Python are missing: {headers / 'Python.h'}\n"
            "install them (Debian and Ubuntu: `apt-get install python3-dev`, Fedora and Amazon "
            "Linux: `dnf install python3-devel`), or build with another Python"
        )
    names = re.findall(r"<(\S+/pyconfig\.h)>", (headers / "pyconfig.h").read_text())
    real = [headers.parent / name for name in names if (headers.parent / name).exists()]
    for name in names if real else ():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(f'#include "{real[0]}"\n')
    return [headers, folder]


def _run(module: str, *words: str, work: Path | None = None) -> None:
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(work), "ZIG_LOCAL_CACHE_DIR": str(work)} if work else {}
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(
        command, env={**os.environ, **cache}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"{module} failed: {' '.join(command)}\n{done.stdout}{done.stderr}")


def main() -> None:
    """Build into the folder named on the command line."""
    folder = Path(sys.argv[1]) if len(sys.argv) == 2 else SOURCES / "bin"
    try:
        paths = build_lean(folder)
    except BuildError as error:
        sys.exit(f"error: {error}")
    for path in paths:
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
