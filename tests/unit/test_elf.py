"""What is read of ELF files: of all that are here the same as pyelftools does, and no nonsense."""

from __future__ import annotations

import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from elftools.common.exceptions import ELFError
from elftools.elf import enums
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from hypothesis import given
from hypothesis import strategies as st

from shim.arch import Arch
from shim.elf import (
    HEADER_SIZE,
    MAGIC,
    ElfInvalid,
    other_system,
    read_header,
    read_linking,
    read_start,
)
from tests.check.builders import program
from tests.debian import installed_files
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.elf import ElfStart
    from tests.conftest import Compiler

FOLDERS = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt", sys.prefix)
ENOUGH = 200
PIE, WEAK = 0x08000000, 2
SEGMENT_KINDS = {
    name: number
    for group in ("BASE", "AARCH64", "ARM", "MIPS", "RISCV")
    for name, number in vars(enums)[f"ENUM_P_TYPE_{group}"].items()
}


def start_of(data: bytes) -> ElfStart:
    return read_start(lambda at, size: data[at : at + size])


def elf_files() -> Iterator[Path]:
    """Every ELF file that is installed here, whatever machine it is for."""
    seen = set()
    for path in installed_files(*map(Path, FOLDERS)):
        with suppress(OSError):
            if path.is_symlink() or path.stat().st_ino in seen:
                continue
            seen.add(path.stat().st_ino)
            with path.open("rb") as file:
                if file.read(4) == MAGIC:
                    yield path


def by_shim(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:

        def read(at: int, size: int) -> bytes:
            file.seek(at)
            return file.read(size)

        start = read_start(read)
        found = {
            "header": (start.is_64_bit, start.is_little_endian, start.type, start.machine),
            "entry": start.entry,
            "segments": [
                (one.kind, one.flags, one.offset, one.address, one.file_size)
                for one in start.segments
            ],
            "interpreter": start.interpreter,
        }
        linking = None
        with suppress(ElfInvalid):
            linking = read_linking(start, read)
        if linking:
            found |= {
                "needed": linking.needed,
                "soname": linking.soname,
                "run paths": (linking.old_run_path, linking.run_path),
                "is program": linking.is_program,
                "wants": {name: set(all_of) for name, all_of in linking.versions.items()},
                "defines": set(linking.defines),
            }
        return found


def by_pyelftools(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        elf = ELFFile(file)
        segments: list[Any] = list(elf.iter_segments())
        interpreters = [one for one in segments if one["p_type"] == "PT_INTERP"]
        found = {
            "header": (
                elf.elfclass == 64,
                elf.little_endian,
                _number(elf["e_type"], ENUM_E_TYPE),
                _number(elf["e_machine"], ENUM_E_MACHINE),
            ),
            "entry": elf["e_entry"],
            "segments": [
                (
                    _number(one["p_type"], SEGMENT_KINDS),
                    *(one[f"p_{name}"] for name in ("flags", "offset", "vaddr", "filesz")),
                )
                for one in segments
            ],
        }
        sections = (elf.get_section_by_name(name) for name in (".dynamic", ".interp"))
        if any(section and section["sh_type"] == "SHT_NOBITS" for section in sections):
            return found  # the symbols that were split off from a program, without its bytes
        # Linux refuses one that doesn't end with a NUL.
        is_named = interpreters and interpreters[0].data().endswith(b"\0")
        found["interpreter"] = interpreters[0].get_interp_name() if is_named else None
        for dynamic in (one for one in segments if one["p_type"] == "PT_DYNAMIC"):
            found |= _dynamic(elf, list(dynamic.iter_tags()))
        return found


def _number(name: str | int, numbers: Mapping[str, int]) -> int:
    return name if isinstance(name, int) else numbers[name]


def _dynamic(elf: ELFFile, tags: list[Any]) -> dict[str, Any]:
    last = {tag.entry.d_tag: tag for tag in tags}
    flags = last["DT_FLAGS_1"].entry.d_val if "DT_FLAGS_1" in last else 0
    found: dict[str, Any] = {
        "needed": tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        "soname": last["DT_SONAME"].soname if "DT_SONAME" in last else None,
        "run paths": (
            last["DT_RPATH"].rpath if "DT_RPATH" in last else None,
            last["DT_RUNPATH"].runpath if "DT_RUNPATH" in last else None,
        ),
        "is program": "DT_DEBUG" in last or bool(flags & PIE),
        "wants": {},
        "defines": set(),
    }
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            found["wants"] = _wanted(section)
        elif isinstance(section, GNUVerDefSection):
            found["defines"] = {next(names).name for _, names in section.iter_versions()}
    return found


def _wanted(section: GNUVerNeedSection) -> dict[str | None, set[str | None]]:
    wanted: dict[str | None, set[str | None]] = {}
    for need, names in section.iter_versions():
        strong = {one.name for one in names if not one["vna_flags"] & WEAK}
        wanted[need.name] = wanted.get(need.name, set()) | strong
    return wanted


def test_every_elf_file_here_says_the_same_to_shim_and_to_pyelftools() -> None:
    count = 0
    for path in elf_files():
        try:
            expected = by_pyelftools(path)
        except ELFError:
            continue
        found = by_shim(path)
        assert {name: found.get(name) for name in expected} == expected, path
        count += 1
    require(count >= ENOUGH, f"only {count} ELF files are installed here")


@pytest.mark.parametrize("arch", Arch)
def test_a_program_has_the_architecture_of_its_header(arch: Arch) -> None:
    assert start_of(program(arch)).arch is arch


@pytest.mark.parametrize(
    "target",
    ["x86-linux-musl", "x86_64-linux-gnux32", "riscv64-linux-musl", "powerpc64-linux-musl"],
)
def test_other_machines_programs_are_read_and_have_no_architecture(
    target: str, compiler: Compiler
) -> None:
    start = start_of(compiler.program(target, "-static").read_bytes())
    assert start.arch is None
    assert start.has_entry


@pytest.mark.parametrize("length", [0, 3, 4, 5, 51, HEADER_SIZE - 1])
def test_a_header_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ElfInvalid):
        read_header(program()[:length])


def noted(owner: bytes, *, kind: int = 1, description: bytes = bytes(4)) -> bytes:
    """A static program with a note."""
    note = struct.pack("<III", len(owner) + 1, len(description), kind) + owner + b"\0"
    note += bytes(-len(note) % 4) + description
    data = bytearray(program(interpreter=note))
    data[64] = 4  # its PT_INTERP as a PT_NOTE
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "system"),
    [
        (program(), None),
        (program(interpreter=b"/lib64/ld-linux-x86-64.so.2"), None),
        (program(interpreter=b"/lib/ld-musl-x86_64.so.1"), None),
        (program(interpreter=b"/system/bin/linker64"), "Android"),
        (program(interpreter=b"/usr/libexec/ld.so"), "OpenBSD"),
        (program(interpreter=b"/usr/libexec/ld.elf_so"), "NetBSD"),
        (program(interpreter=b"/libexec/ld-elf.so.1"), "FreeBSD"),
        (program(interpreter=b"/lib/amd64/ld.so.1"), "Solaris"),
        (noted(b"NetBSD"), "NetBSD"),
        (noted(b"OpenBSD"), "OpenBSD"),
        (noted(b"FreeBSD"), "FreeBSD"),
        (noted(b"GNU", description=bytes(16)), None),
        (noted(b"GNU", description=b"\1" + bytes(15)), "GNU Hurd"),
        (noted(b"GNU", kind=3, description=b"\1" + bytes(15)), None),
        (noted(b"Android"), None),
        (noted(b"Go", kind=4), None),
        (program()[:7] + b"\3" + program()[8:], None),
        (program()[:7] + b"\x09" + program()[8:], "FreeBSD"),
        (program()[:7] + b"\xff" + program()[8:], "another system (EI_OSABI 255)"),
    ],
)
def test_the_system_is_what_interpreter_notes_and_header_say(
    data: bytes, system: str | None
) -> None:
    assert other_system(start_of(data)) == system


@pytest.mark.parametrize(
    ("at", "mark", "packer"),
    [(64 + 56 + 4, b"UPX!", "UPX"), (8, b"AI\2", "AppImage"), (64 + 56 + 8, b"UPX!", None)],
)
def test_packers_are_known_by_the_mark_behind_the_headers(
    at: int, mark: bytes, packer: str | None
) -> None:
    data = program(mark=bytes(64))
    assert start_of(data).packer is None
    assert start_of(data[:at] + mark + data[at + len(mark) :]).packer == packer


@pytest.fixture(scope="module")
def library(compiler: Compiler) -> bytes:
    options = ("-shared", "-fPIC", "-Wl,-soname,liborders.so")
    return compiler.program("x86_64-linux-gnu", *options).read_bytes()


@given(data=st.data())
def test_mutated_programs_are_read_or_refused(data: st.DataObject, library: bytes) -> None:
    content = bytearray(library[: data.draw(st.integers(0, 4096))])
    offsets = st.lists(st.tuples(st.integers(0, 1024), st.integers(0, 255)), max_size=8)
    for offset, value in data.draw(offsets):
        if offset < len(content):
            content[offset] = value
    with suppress(ElfInvalid):
        start = start_of(bytes(content))
        other_system(start)
        read_linking(start, lambda at, size: bytes(content[at : at + size]))


@pytest.mark.parametrize(("size", "is_read"), [(36 << 20, True), ((64 << 20) + 1, False)])
def test_a_table_of_strings_may_be_as_large_as_haskells(size: int, *, is_read: bool) -> None:
    data = with_strings(size)
    start = start_of(data)
    if not is_read:
        with pytest.raises(ElfInvalid, match="table of strings is larger"):
            read_linking(start, lambda at, size: data[at : at + size])
        return
    linking = read_linking(start, lambda at, size: data[at : at + size])
    assert linking is not None
    assert linking.needed == ("libc.so.6",)


def with_strings(size: int) -> bytes:
    """A program that needs libc.so.6, whose name is the last one in a table of `size` bytes."""
    data = bytearray(program(interpreter=bytes(80)))
    end = len(data)
    tags = struct.pack("<8Q", 1, size - 10, 5, 0x400000 + end, 10, size, 0, 0)
    at, kind_at, load_at = 64 + 2 * 56, 64, 64 + 56
    data[at : at + len(tags)] = tags
    struct.pack_into("<I", data, kind_at, 2)
    struct.pack_into("<Q", data, kind_at + 32, len(tags))
    struct.pack_into("<Q", data, load_at + 32, end + size)
    return bytes(data) + bytes(size - 10) + b"libc.so.6\0"
