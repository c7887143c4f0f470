"""Large packages: what is read ahead, and inflated at once."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.survey import survey
from shim.check.verdict import Answer, verdict
from shim.elf import ElfInvalid, Segment, read_linking, read_start
from shim.errors import InputError
from shim.package.ahead import reading_ahead
from shim.package.contents import Unreadable
from shim.package.executables import elf_linking
from shim.package.read import Entry, read_package
from tests.check.builders import launcher, program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.check.oracle.programs import Programs

MB = 1 << 20
CONTENT = bytes(range(256)) * 4000


def deflated(path: Path, **contents: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name.replace("__", "/"))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = 0o100755 << 16
            archive.writestr(info, content)
    return path


def only_entry(path: Path) -> Entry:
    (entry,) = read_package(path).entries
    return entry


@pytest.mark.parametrize(("has", "expected"), [("SHIM_1", set()), ("SHIM_2", {"library-version"})])
@pytest.mark.parametrize("padding", [0, 9 * MB])
def test_programs_that_are_read_ahead_have_the_same_verdict(
    compiled: Programs, tmp_path: Path, *, has: str, expected: set[str], padding: int
) -> None:
    package = deflated(
        tmp_path / "package.zip",
        bootstrap=launcher(),
        one=compiled.needing("SHIM_1") + bytes(padding),
        two=compiled.needing("SHIM_1") + bytes(padding),
        **{"lib__libshimprivate.so.1": compiled.library(has)},
    )
    runtime = read_runtimes()["provided.al2023"]
    state = State(package=read_package(package), arch=Arch.X86_64, runtime=runtime)
    with reading_ahead([state.package], None):
        pass
    surveyed = survey(state, architectures=[Arch.X86_64], runtimes=[runtime])
    assert {finding.code for finding in surveyed.findings} == expected
    assert (surveyed.answer is Answer.STARTS) == (not expected)


@pytest.mark.parametrize(
    ("handler", "read"), [(None, {"one", "bin/two", "lib"}), ("bin/two", {"bin/two", "lib"})]
)
def test_large_programs_and_what_they_need_are_read_and_no_others(
    compiled: Programs, tmp_path: Path, *, handler: str | None, read: set[str]
) -> None:
    path = deflated(
        tmp_path / "package.zip",
        one=compiled.needing("SHIM_1") + bytes(MB),
        bin__two=compiled.needing("SHIM_1") + bytes(MB),
        small=compiled.needing("SHIM_1"),
        unneeded=compiled.library("SHIM_2") + bytes(MB),
        text=bytes(MB),
        **{"lib__libshimprivate.so.1": compiled.library("SHIM_1")},
    )
    package = read_package(path)
    with reading_ahead([package], handler):
        pass
    path.unlink()
    found = set()
    for entry in package.entries:
        with suppress(Unreadable, ElfInvalid):
            assert elf_linking(entry)
            found.add(entry.name.removesuffix("/libshimprivate.so.1"))
    assert found == read


def test_a_large_program_that_is_damaged_is_left_to_the_verdict(
    compiled: Programs, tmp_path: Path
) -> None:
    program = compiled.needing("SHIM_1")
    path = deflated(
        tmp_path / "package.zip", bootstrap=launcher(), one=program + CONTENT + bytes(MB)
    )
    data = bytearray(path.read_bytes())
    data[-2000:-1000] = b"\xff" * 1000
    path.write_bytes(data)
    package = read_package(path)
    with reading_ahead([package], None):
        pass
    runtime = read_runtimes()["provided.al2023"]
    state = State(package=package, arch=Arch.X86_64, runtime=runtime, handler="one")
    assert {finding.code for finding in verdict(state).findings} == {"entry-unreadable"}


def test_what_fails_meanwhile_does_not_wait_for_what_is_read(
    compiled: Programs, tmp_path: Path
) -> None:
    package = read_package(
        deflated(tmp_path / "package.zip", one=compiled.needing("SHIM_1") + bytes(MB))
    )
    with pytest.raises(InputError, match="no such"), reading_ahead([package], None):
        raise InputError("no such runtime")


def test_a_file_is_inflated_once_for_many_reads(tmp_path: Path) -> None:
    path = deflated(tmp_path / "package.zip", one=CONTENT)
    opened = only_entry(path).opened()
    path.unlink()
    assert opened.read(5, 1000) == CONTENT[5:1005]
    assert opened.read(len(CONTENT) - 3, 10) == CONTENT[-3:]


def test_a_file_that_is_too_large_to_be_held_is_read_in_pieces(tmp_path: Path) -> None:
    entry = only_entry(deflated(tmp_path / "package.zip", one=bytes(65 * MB)))
    assert entry.opened() is entry
    assert entry.read(64 * MB, 10) == bytes(10)


@pytest.mark.parametrize("damage", [b"\xff" * 100, b"\0" * 100])
def test_a_damaged_file_is_read_as_far_as_it_goes_in_parts(tmp_path: Path, damage: bytes) -> None:
    path = deflated(tmp_path / "package.zip", one=CONTENT)
    data = bytearray(path.read_bytes())
    data[1000 : 1000 + len(damage)] = damage
    path.write_bytes(data)
    one = only_entry(path)
    assert one.read(0, 256) == CONTENT[:256]
    with pytest.raises(Unreadable, match=r"CRC-32|damaged|bytes than|cut off"):
        one.whole()


@pytest.mark.parametrize("announced", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_no_more_is_read_than_a_file_announces_and_has(tmp_path: Path, announced: int) -> None:
    path = deflated(tmp_path / "package.zip", one=CONTENT)
    data = bytearray(path.read_bytes())
    for offset in (data.rindex(b"PK\x01\x02") + 24, 22):
        data[offset : offset + 4] = announced.to_bytes(4, "little")
    path.write_bytes(data)
    one = only_entry(path)
    assert one.read(0, len(CONTENT) + 10) == CONTENT[:announced]
    with pytest.raises(Unreadable, match="bytes than the"):
        one.whole()


@pytest.mark.parametrize("size", [1000, 65 * MB])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_file_that_is_read_whole_is_held_to_its_crc(
    tmp_path: Path, size: int, method: int
) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        archive.writestr("one", bytes(size))
    assert only_entry(path).whole() == bytes(size)
    data = bytearray(path.read_bytes())
    for offset in (data.rindex(b"PK\x01\x02") + 16, 14):
        data[offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="CRC-32"):
        only_entry(path).whole()


def test_a_program_that_needs_endless_libraries_is_refused() -> None:
    section = b"".join(tag.to_bytes(8, "little") + bytes(8) for tag in [1] * 257)
    dynamic = Segment(kind=2, flags=4, offset=0, address=0, file_size=len(section))
    data = program()
    start = replace(read_start(lambda at, size: data[at : at + size]), segments=(dynamic,))
    with pytest.raises(ElfInvalid, match="more libraries"):
        read_linking(start, lambda at, size: section[at : at + size])
