"""What shim reads of ELF files, on real ones and on broken ones."""

from __future__ import annotations

import io
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.arch import Arch
from shim.elf import ElfInvalid, ElfNotProgram, ElfTruncated, read_arch

if TYPE_CHECKING:
    from tests.conftest import Compiler


def arch_of(path: Path) -> Arch:
    with path.open("rb") as file:
        return read_arch(file)


def mapped(name: str) -> Path:
    """A library that this very process has loaded."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = Path(line.split(maxsplit=5)[-1])
        if path.name.startswith(name):
            return path
    pytest.skip(f"this Python has no {name} loaded")


@pytest.mark.parametrize("arch", Arch)
def test_a_static_program_has_the_architecture_of_its_header(
    arch: Arch, programs: dict[Arch, Path]
) -> None:
    assert arch_of(programs[arch]) is arch


def test_a_static_position_independent_program_is_a_program(compiler: Compiler) -> None:
    program = compiler.program("x86_64-linux-musl", "-static", "-pie", "-fPIE")
    assert arch_of(program) is Arch.X86_64


def test_a_program_with_an_interpreter_is_a_program() -> None:
    machine = subprocess.run(["uname", "-m"], capture_output=True, check=True, text=True).stdout
    assert arch_of(Path("/bin/sh").resolve()) is Arch.from_machine(machine.strip())


@pytest.mark.parametrize("options", [(), ("-Wl,-soname,liborders.so.1",)])
def test_a_shared_library_is_no_program(compiler: Compiler, options: tuple[str, ...]) -> None:
    library = compiler.program("aarch64-linux-gnu", "-shared", "-fPIC", *options)
    with pytest.raises(ElfNotProgram, match="a shared library"):
        arch_of(library)


@pytest.mark.parametrize("name", ["libc.so", "ld-"])
def test_a_library_that_could_be_started_is_still_a_library(name: str) -> None:
    with pytest.raises(ElfNotProgram):
        arch_of(mapped(name))


def test_an_object_file_is_no_program(compiler: Compiler) -> None:
    with pytest.raises(ElfNotProgram, match="no executable"):
        arch_of(compiler.program("x86_64-linux-musl", "-c"))


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("x86-linux-musl", "a 32-bit ELF file"),
        ("riscv64-linux-musl", "an ELF file for another machine (e_machine 243)"),
        ("powerpc64-linux-musl", "a big-endian ELF file"),
    ],
)
def test_a_program_for_another_machine_is_refused(
    compiler: Compiler, target: str, sentence: str
) -> None:
    with pytest.raises(ElfInvalid) as caught:
        arch_of(compiler.program(target, "-static"))
    assert str(caught.value) == sentence


def test_a_program_cut_off_anywhere_is_truncated(programs: dict[Arch, Path]) -> None:
    content = programs[Arch.ARM64].read_bytes()
    end = max(
        offset + size
        for kind, _, offset, _, _, size, _, _ in struct.iter_unpack("<IIQQQQQQ", phdrs(content))
        if kind == 1
    )
    for length in range(4, end):
        with pytest.raises(ElfTruncated):
            read_arch(io.BytesIO(content[:length]))
    assert read_arch(io.BytesIO(content[:end])) is Arch.ARM64


def test_a_program_without_program_headers_is_refused(programs: dict[Arch, Path]) -> None:
    content = bytearray(programs[Arch.X86_64].read_bytes())
    content[56:58] = b"\0\0"
    with pytest.raises(ElfInvalid, match="without program headers"):
        read_arch(io.BytesIO(content))


@given(data=st.data())
def test_mutated_programs_are_read_or_refused(data: st.DataObject, compiler: Compiler) -> None:
    content = bytearray(
        compiler.program("x86_64-linux-gnu", "-shared", "-fPIC").read_bytes()[:1024]
    )
    places = st.lists(st.tuples(st.integers(4, len(content) - 1), st.integers(0, 255)), max_size=8)
    for place, value in data.draw(places):
        content[place] = value
    with suppress(ElfInvalid):
        assert read_arch(io.BytesIO(content)) in list(Arch)


def phdrs(content: bytes) -> bytes:
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    return content[offset : offset + size * count]
