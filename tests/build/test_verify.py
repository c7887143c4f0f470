"""The check on every launcher that is built: it passes good ones, and fails on each thing wrong."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shim.launcher
from lean import BuildError, build_launch_path
from shim.arch import Arch
from tests.requirements import require
from verify import verify_full, verify_launch_path, verify_lean

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(shim.launcher.__file__).parent / "bin"
SEGMENTS = 64
"""Where the program headers of a lean launcher begin."""


@pytest.fixture(params=list(Arch))
def lean(request: pytest.FixtureRequest) -> Path:
    """The installed lean launcher of each architecture."""
    path = BIN / f"lean-{request.param}"
    require(path.exists(), "no lean launcher is installed")
    return path


def _arch(path: Path) -> str:
    return path.name.split("-", 1)[1]


def test_the_installed_lean_launchers_are_as_they_should_be(lean: Path) -> None:
    verify_lean(lean, arch=_arch(lean))


@pytest.mark.parametrize("arch", list(Arch))
def test_the_installed_full_launchers_are_as_they_should_be(arch: Arch) -> None:
    path = BIN / f"full-{arch}"
    require(path.exists(), f"no full launcher is built for {arch}")
    verify_full(path, arch=arch)


def _other_machine(data: bytearray) -> None:
    struct.pack_into("<H", data, 18, 22)


def _entry_outside(data: bytearray) -> None:
    struct.pack_into("<Q", data, 24, 0x10)


def _writable_code(data: bytearray) -> None:
    struct.pack_into("<I", data, SEGMENTS + 4, 7)


def _executable_stack(data: bytearray) -> None:
    struct.pack_into("<I", data, SEGMENTS + 56 + 4, 7)


def _interpreter(data: bytearray) -> None:
    struct.pack_into("<I", data, SEGMENTS + 56, 3)


def _dynamic(data: bytearray) -> None:
    # It would name its section too; the kind of the segment is what counts.
    struct.pack_into("<IIQQQQ", data, SEGMENTS + 56, 2, 4, 0, 0, 0, 0)


def _too_large(data: bytearray) -> None:
    data.extend(bytes(5000))


def _movable(data: bytearray) -> None:
    struct.pack_into("<H", data, 16, 3)


def _torn_bss(data: bytearray) -> None:
    (size,) = struct.unpack_from("<Q", data, SEGMENTS + 32)
    struct.pack_into("<Q", data, SEGMENTS + 40, size + 100)


def _no_elf(data: bytearray) -> None:
    data[0] = 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_other_machine, "is for EM_S390"),
        (_entry_outside, "has its entry outside its code"),
        (_writable_code, "writable and executable"),
        (_executable_stack, "has an executable stack"),
        (_interpreter, "asks for an interpreter"),
        (_dynamic, "asks for shared libraries"),
        (_too_large, "bytes, over 4096"),
        (_movable, "not a program at a fixed address"),
        (_torn_bss, "does not begin on a page of its own"),
        (_no_elf, "is not an ELF file"),
    ],
)
def test_a_launcher_with_something_wrong_is_refused(
    lean: Path, tmp_path: Path, damage: Callable[[bytearray], None], words: str
) -> None:
    data = bytearray(lean.read_bytes())
    damage(data)
    path = tmp_path / lean.name
    path.write_bytes(data)
    with pytest.raises(BuildError, match=words):
        verify_lean(path, arch=_arch(lean))


def test_a_launcher_of_the_other_architecture_is_refused(lean: Path) -> None:
    (other,) = {str(arch) for arch in Arch} - {_arch(lean)}
    with pytest.raises(BuildError, match="is for EM_"):
        verify_lean(lean, arch=other)


@pytest.mark.parametrize("arch", list(Arch))
def test_the_launch_path_refers_to_nothing_but_the_start_of_libc(
    arch: Arch, tmp_path: Path
) -> None:
    verify_launch_path(build_launch_path(str(arch), tmp_path))


PYTHON = "extern int PyErr_Occurred(void); int shim_launch(void) { return PyErr_Occurred(); }"
LIBC = 'extern int puts(const char *); int shim_launch(void) { return puts("x"); }'
DATA = "int count = 1; int shim_launch(void) { return ++count; }"


@pytest.mark.parametrize(
    ("code", "words"),
    [(PYTHON, "PyErr_Occurred"), (LIBC, "puts"), (DATA, "data that is written to: .data")],
)
def test_a_launch_path_that_needs_python_or_libc_or_data_is_refused(
    tmp_path: Path, code: str, words: str
) -> None:
    source = tmp_path / "launch.c"
    source.write_text(code)
    path = tmp_path / "launch.o"
    flags = ("-target", "x86_64-linux-musl", "-fno-sanitize=all", "-fno-builtin", "-g0", "-Os")
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *flags, "-c", source, "-o", path], check=True
    )
    with pytest.raises(BuildError, match=words):
        verify_launch_path(path)


def test_a_full_launcher_that_is_too_large_is_refused(tmp_path: Path) -> None:
    source = BIN / "full-x86_64"
    require(source.exists(), "no full launcher is built for x86_64")
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes() + bytes(2_000_000))
    with pytest.raises(BuildError, match="bytes, over 6000000"):
        verify_full(path, arch="x86_64")
