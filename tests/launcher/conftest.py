"""The launchers under test, each build for each architecture, and programs for them to start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lean import build_lean
from shim.arch import Arch
from tests.emulator import pinned_emulator
from tests.launcher.package import (
    BUILDS,
    LAUNCHER_FOLDER,
    MEMCHECK,
    NATIVE,
    PATTERNED,
    VALGRIND,
    Package,
)
from tests.requirements import require, require_runs

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent

MEMSET = """
void *memset(void *start, int byte, unsigned long size)
{
    for (unsigned char *next = start; size > 0; size--)
        *next++ = byte;
    return start;
}
"""
"""Which compilers call to fill large variables; launchers have no libc."""


@pytest.fixture(scope="session")
def probes(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, Path]:
    """`probe.c`, compiled for each architecture."""
    folder = tmp_path_factory.mktemp("probes")
    flags = ("-Os", "-fno-builtin", "-fno-sanitize=all", "-fno-stack-protector", "-c")
    include = f"-I{LAUNCHER_FOLDER}"
    entry = ('-DSHIM_MAIN="probe"', '-DSHIM_AFTERWARDS="shim_entry"')
    for arch in Arch:
        objects = []
        for source in (HERE / "probe.c", LAUNCHER_FOLDER / "entry.c"):
            objects.append(str(folder / f"{source.stem}-{arch}.o"))
            target = ("-target", f"{arch.machine}-linux-musl")
            _zig("cc", *target, *flags, include, *entry, str(source), "-o", objects[-1])
        _zig("ld.lld", "-static", "-s", "-e", "shim_entry", *objects, "-o", str(folder / arch))
    return {arch: folder / arch for arch in Arch}


def _zig(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "ziglang", *words], check=True)


@pytest.fixture(scope="session")
def patterned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lean launchers all of whose variables begin with a pattern."""
    has_compilers = all(find_spec(name) for name in ("Cython", "ziglang"))
    require(has_compilers, "Cython and ziglang are not installed")
    folder = tmp_path_factory.mktemp("patterned")
    sources = folder / "sources"
    shutil.copytree(LAUNCHER_FOLDER, sources, ignore=shutil.ignore_patterns("bin"))
    with (sources / "entry.c").open("a") as file:
        file.write(MEMSET)
    build_lean(folder, sources=sources, flags=("-ftrivial-auto-var-init=pattern",))
    return folder


@pytest.fixture
def make_package(
    tmp_path: Path, probes: dict[Arch, Path], request: pytest.FixtureRequest
) -> Callable[[str, Arch], Package]:
    """Makes an empty task root with the launcher of this build in it."""

    def make(build: str, arch: Arch) -> Package:
        require_runs(arch)
        require(build != MEMCHECK or Path(VALGRIND).exists(), "valgrind is not installed")
        flavour = "full" if build == "full" else "lean"
        folder = LAUNCHER_FOLDER / "bin"
        if build == PATTERNED:
            folder = request.getfixturevalue("patterned")
        launcher = folder / f"{flavour}-{arch}"
        require(launcher.exists(), f"no {flavour} launcher is built for {arch}")
        root = tmp_path / "task"
        root.mkdir()
        shutil.copy(launcher, root / "bootstrap")
        return Package(arch=arch, build=build, root=root, probe=probes[arch])

    return make


@pytest.fixture(
    params=[
        (build, arch) for build in BUILDS for arch in Arch if build != MEMCHECK or arch is NATIVE
    ],
    ids="-".join,
)
def package(
    request: pytest.FixtureRequest, make_package: Callable[[str, Arch], Package]
) -> Package:
    """A package for each build and architecture; the other one than this machine's under qemu."""
    return make_package(*request.param)


@pytest.fixture(params=BUILDS)
def native_package(
    request: pytest.FixtureRequest, make_package: Callable[[str, Arch], Package]
) -> Package:
    """A package for this machine: qemu makes calls of its own and merges equal variables."""
    return make_package(request.param, NATIVE)


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Path:
    """The Runtime Interface Emulator for this machine."""
    return pinned_emulator(request.config)


@pytest.fixture(scope="session")
def in_folders() -> Callable[..., list[str]]:
    """Words that run a command with other folders at `/var/task` and `/opt`, for it alone."""
    require(os.geteuid() == 0, "only root may make a mount namespace")
    require(shutil.which("unshare") is not None, "unshare is not installed")

    def words(*, task: Path, opt: Path) -> list[str]:
        mounts = (
            'mount -t tmpfs none /var && mkdir /var/task && mount --bind "$1" /var/task'
            ' && mount --bind "$2" /opt && shift 2 && exec "$@"'
        )
        return ["unshare", "--mount", "sh", "-ec", mounts, "sh", str(task), str(opt)]

    return words
