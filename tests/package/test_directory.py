"""Zips that say two things, and what unpackers of other make do with them."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from shim.errors import InputError
from shim.package.extract import unpack
from shim.package.read import read_package
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOCAL, RECORD, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
CONTENT = b"#!/bin/sh\necho hello\n" * 20


def zipped(
    *names: str, method: int = zipfile.ZIP_DEFLATED, extra: bytes = b"", system: int = 3
) -> bytearray:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = system, 0o100755 << 16
            info.compress_type, info.extra = method, extra
            archive.writestr(info, CONTENT)
    return bytearray(file.getvalue())


def changed(signature: bytes, at: int, form: str, value: int) -> bytearray:
    """A zip of two files, with one number of its first such header changed."""
    data = zipped("one", "two")
    struct.pack_into(form, data, data.index(signature) + at, value)
    return data


def without_crc() -> bytearray:
    data = changed(LOCAL, 14, "<L", 0)
    struct.pack_into("<L", data, data.index(RECORD) + 16, 0)
    return data


def named_otherwise() -> bytearray:
    data = zipped("one", "two")
    data[data.index(LOCAL) + 30] = ord("x")
    return data


def behind(prefix: bytes) -> bytearray:
    return bytearray(prefix) + zipped("one", "two")


ENTRY_PROBLEMS: dict[str, tuple[Callable[[], bytearray], str]] = {
    "no crc": (without_crc, "its CRC-32 is 0, and it has 420 bytes"),
    "no crc in the directory": (lambda: changed(RECORD, 16, "<L", 0), "its CRC-32 is 0"),
    "another crc": (lambda: changed(LOCAL, 14, "<L", 7), "its CRC-32 is another"),
    "another method": (lambda: changed(LOCAL, 8, "<H", 0), "its method is another"),
    "an unknown method": (lambda: changed(RECORD, 10, "<H", 12), "compressed by method 12"),
    "another size": (lambda: changed(LOCAL, 22, "<L", 5), "its size is another"),
    "another length": (lambda: changed(LOCAL, 18, "<L", 5), "its compressed size is another"),
    "no sizes": (lambda: changed(LOCAL, 22, "<L", 0), "its size is another"),
    "encrypted there": (lambda: changed(LOCAL, 6, "<H", 1), "its set of flags is another"),
    "encrypted": (lambda: changed(RECORD, 8, "<H", 1), "it is encrypted"),
    "a descriptor there": (lambda: changed(LOCAL, 6, "<H", 8), "its set of flags is another"),
    "a descriptor": (lambda: changed(RECORD, 8, "<H", 8), "its set of flags is another"),
    "another name": (named_otherwise, "its name is another"),
    "no header": (lambda: changed(LOCAL, 0, "<L", 0), "its header in the zip is damaged"),
    "elsewhere": (lambda: changed(RECORD, 42, "<L", 3), "its header in the zip is damaged"),
}
DOUBTS: dict[str, tuple[Callable[[], bytearray], str]] = {
    "bytes before": (lambda: behind(b"#!/bin/sh\n"), "10 bytes stand before"),
    "a second disk": (lambda: changed(END, 4, "<H", 1), "one part of several"),
    "others on it": (lambda: changed(END, 8, "<H", 1), "one part of several"),
}
PROBLEMS: dict[str, tuple[Callable[[], bytearray], str]] = {
    "more entries": (lambda: changed(END, 10, "<H", 3), "it has 2 entries, and says 3"),
    "fewer entries": (lambda: changed(END, 10, "<H", 1), "it has 2 entries, and says 1"),
    "a longer comment": (lambda: changed(END, 20, "<H", 4), "its comment is cut off"),
}


def written(folder: Path, data: bytes | bytearray) -> Path:
    path = folder / "package.zip"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("case", ENTRY_PROBLEMS)
def test_an_entry_that_says_two_things_cannot_be_unpacked(tmp_path: Path, case: str) -> None:
    make, sentence = ENTRY_PROBLEMS[case]
    path = written(tmp_path, make())
    first, second = read_package(path).entries
    assert sentence in str(first.problem)
    assert second.problem is None
    (tmp_path / "into").mkdir()
    with pytest.raises(InputError, match="can't be unpacked"):
        unpack(path, tmp_path / "into", limit=1 << 20)


@pytest.mark.parametrize("case", ENTRY_PROBLEMS)
def test_other_unpackers_refuse_it_too(tmp_path: Path, case: str) -> None:
    path = written(tmp_path, ENTRY_PROBLEMS[case][0]())
    code = "import sys, zipfile; sys.exit(bool(zipfile.ZipFile(sys.argv[1]).testzip()))"
    commands: dict[str, list[str]] = {"python": [sys.executable, "-c", code, str(path)]}
    for name, words in {"unzip": ["-tqq"], "bsdtar": ["-tf"], "7zz": ["t"]}.items():
        if shutil.which(name):
            commands[name] = [name, *words, str(path)]
    require(len(commands) > 1, "no unpacker of other make is there")
    done = [subprocess.run(words, capture_output=True, check=False) for words in commands.values()]
    # One at least; docs/reference/packages.md has what each does.
    assert any(one.returncode for one in done) or case in {"another size", "no sizes"} | {
        "encrypted there",
        "a descriptor",
    }


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_zip_that_says_two_things_cannot_be_unpacked(tmp_path: Path, case: str) -> None:
    make, sentence = PROBLEMS[case]
    path = written(tmp_path, make())
    assert read_package(path).problem == sentence
    (tmp_path / "into").mkdir()
    with pytest.raises(InputError, match=sentence):
        unpack(path, tmp_path / "into", limit=1 << 20)


@pytest.mark.parametrize("case", DOUBTS)
def test_what_unpackers_warn_of_is_a_doubt(tmp_path: Path, case: str) -> None:
    make, sentence = DOUBTS[case]
    path = written(tmp_path, make())
    package = read_package(path)
    assert sentence in str(package.doubt)
    assert (package.problem, package.entries[0].whole()) == (None, CONTENT)


def test_a_version_that_unzip_does_not_know_is_a_doubt(tmp_path: Path) -> None:
    path = written(tmp_path, changed(RECORD, 6, "<H", 63))
    assert [one.doubt for one in read_package(path).entries] == [
        "it needs version 6.3 of the format",
        None,
    ]


def test_numbers_that_stand_behind_the_bytes_are_no_contradiction(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        """What can't be gone back in, so that the sizes go behind the bytes."""

        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override] # narrower, and enough
            self.data += data
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one", CONTENT)
    (one,) = read_package(written(tmp_path, pipe.data)).entries
    assert (one.problem, one.whole()) == (None, CONTENT)


def test_a_wide_header_is_no_contradiction(tmp_path: Path) -> None:
    path = tmp_path / "wide.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("one", "w", force_zip64=True) as file,
    ):
        file.write(CONTENT)
    (one,) = read_package(path).entries
    assert (one.problem, one.whole()) == (None, CONTENT)


def test_more_entries_than_16_bits_count_go_on_from_0(tmp_path: Path) -> None:
    data = zipped("one")
    record = data[data.index(RECORD) : data.index(END)]
    start = data.index(RECORD)
    data[start : start + len(record)] = record * 65_537
    end = data.rindex(END)
    struct.pack_into("<2L", data, end + 12, len(record) * 65_537, start)
    assert read_package(written(tmp_path, data)).problem is None


def test_a_zip_with_a_comment_or_with_bytes_behind_it_is_sound(tmp_path: Path) -> None:
    for tail in (b"", b"behind"):
        data = zipped("one")
        struct.pack_into("<H", data, len(data) - 2, 7)
        package = read_package(written(tmp_path, data + b"comment" + tail))
        assert (package.problem, package.doubt, package.entries[0].problem) == (None, None, None)


@pytest.mark.parametrize(
    ("system", "flags", "extra", "name"),
    [
        (3, 0, b"", "\u00fc"),
        (0, 0, b"", "\u251c\u255d"),
        (0, 1 << 11, b"", "\u00fc"),
        (0, 0, b"\1" + zlib.crc32("\u00fc".encode()).to_bytes(4, "little") + b"u", "u"),
        (0, 0, b"\1" + bytes(4) + b"u", "\u251c\u255d"),
    ],
    ids=["unix: bytes", "dos: cp437", "a flag", "a field", "another name's field"],
)
def test_names_are_read_as_unzip_reads_them(
    tmp_path: Path, system: int, flags: int, extra: bytes, name: str
) -> None:
    field = struct.pack("<2H", 0x7075, len(extra)) + extra if extra else b""
    data = zipped("ab", extra=field, system=system)
    for signature, at in ((LOCAL, 6), (RECORD, 8)):
        struct.pack_into("<H", data, data.index(signature) + at, flags)
    (one,) = read_package(written(tmp_path, data.replace(b"ab", "\u00fc".encode()))).entries
    assert (one.name, one.problem) == (name, None)
