"""What the tests of `shim run` share: the real emulator, and functions for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shim.arch import Arch
from shim.launcher import __path__ as launcher_path
from tests.emulator import emulator_cache, pinned_emulator
from tests.requirements import require, require_zig

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    """A cache with the emulator in it, kept between runs."""
    return emulator_cache(request.config)


@pytest.fixture(scope="session")
def emulator(request: pytest.FixtureRequest) -> Path:
    """The pinned emulator for this machine."""
    return pinned_emulator(request.config)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the function of `function.py` as its `bootstrap`."""
    require(Path("/usr/bin/python3").exists(), "no /usr/bin/python3 for a test's function")
    folder = tmp_path / "package"
    folder.mkdir()
    code = (HERE / "function.py").read_text("utf-8")
    (folder / "bootstrap").write_text(f"#!/usr/bin/python3 -IS\n{code}", "utf-8")
    (folder / "bootstrap").chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[Arch, Path]:
    """The static program of `handler.c` for each architecture."""
    require_zig()
    folder = tmp_path_factory.mktemp("functions")
    return {arch: _compile(arch, folder / arch) for arch in Arch}


@pytest.fixture
def dual_package(functions: dict[Arch, Path], tmp_path: Path) -> Path:
    """A folder with the dual `bootstrap`, and the programs at the launchers' paths."""
    folder = tmp_path / "dual"
    (folder / ".shim").mkdir(parents=True)
    for arch, program in functions.items():
        shutil.copy(program, folder / ".shim" / arch.machine)
    shutil.copy(Path(launcher_path[0], "dual.sh"), folder / "bootstrap")
    (folder / "bootstrap").chmod(0o755)
    return folder


def _compile(arch: Arch, program: Path) -> Path:
    options = ["-static", "-nostdlib", "-Os", "-s", "-fno-stack-protector", "-fno-builtin"]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", f"{arch.machine}-linux-musl"]
    subprocess.run([*command, *options, "-o", program, HERE / "handler.c"], check=True)
    return program
