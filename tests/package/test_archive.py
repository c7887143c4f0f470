"""The zips: the same bytes each time, and what other programs read in them."""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.errors import InputError
from shim.package import compress
from shim.package.archive import write_archive
from shim.package.entry import Entry, FileSource
from tests.requirements import require


def zipped(*entries: Entry) -> bytes:
    file = io.BytesIO()
    write_archive(file, entries)
    return file.getvalue()


def on_disk(path: Path, content: bytes) -> FileSource:
    path.write_bytes(content)
    return FileSource(
        path=path,
        size=len(content),
        crc32=zlib.crc32(content),
    )


LINK = Entry(name="bootstrap", mode=stat.S_IFLNK | 0o777, source=b"bin/orders")
PROGRAM = Entry.file("bin/orders", b"\x7fELF" * 1000, mode=0o755)
TEXT = Entry.file("données.txt", b"text", mode=0o644)


def test_entries_are_sorted_and_dated_and_have_no_extra_fields() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(TEXT, PROGRAM, LINK))) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
    assert [info.filename for info in infos] == ["bin/orders", "bootstrap", "données.txt"]
    for info in infos:
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.extra == b""
        assert info.create_system == 3
        assert info.flag_bits & ~0x800 == 0, "no data descriptor, nothing but UTF-8 names"
    assert [info.external_attr >> 16 for info in infos] == [0o100755, 0o120777, 0o100644]


def test_info_zip_extracts_the_same_files_modes_and_links(tmp_path: Path) -> None:
    require(shutil.which("unzip") is not None, "unzip is not installed")
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(TEXT, PROGRAM, LINK))
    listing = subprocess.run(
        ["unzip", "-Z", archive], capture_output=True, check=True, text=True
    ).stdout
    assert [line[:10] for line in listing.splitlines()[2:-1]] == [
        "-rwxr-xr-x",
        "lrwxrwxrwx",
        "-rw-r--r--",
    ]
    subprocess.run(["unzip", "-q", archive, "-d", tmp_path / "out"], check=True)
    assert (tmp_path / "out/bootstrap").readlink() == Path("bin/orders")
    program = tmp_path / "out/bootstrap"
    assert program.read_bytes() == PROGRAM.source
    assert stat.S_IMODE(program.stat().st_mode) == 0o755


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
    min_size=1,
    max_size=20,
)


@given(contents=st.dictionaries(names, st.binary(max_size=3000), max_size=8), data=st.data())
def test_the_order_of_entries_changes_nothing(
    contents: dict[str, bytes], data: st.DataObject
) -> None:
    entries = [Entry.file(name, content, mode=0o644) for name, content in contents.items()]
    first = zipped(*entries)
    assert zipped(*data.draw(st.permutations(entries))) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents


def test_a_file_on_disk_gives_the_bytes_of_its_content_alone(tmp_path: Path) -> None:
    content = os.urandom(700_000)
    source = on_disk(tmp_path / "x", content)
    from_disk = zipped(Entry.file("x", source, mode=0o755))
    (tmp_path / "x").chmod(0o600)
    os.utime(tmp_path / "x", (0, 0))
    assert zipped(Entry.file("x", source, mode=0o755)) == from_disk
    assert zipped(Entry.file("x", content, mode=0o755)) == from_disk


def test_what_does_not_get_smaller_is_stored() -> None:
    noise = os.urandom(100_000)
    content = zipped(Entry.file("noise", noise, mode=0o644), TEXT, PROGRAM)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        methods = {info.filename: info.compress_type for info in archive.infolist()}
        assert archive.read("noise") == noise
    assert methods == {"bin/orders": 8, "données.txt": 0, "noise": 0}


def test_many_entries_stay_in_order_whatever_fits_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [
        Entry.file(f"{index:03}", bytes([index]) * (index * 997 % 5000), mode=0o644)
        for index in range(200)
    ]
    all_at_once = zipped(*entries)
    monkeypatch.setattr(compress, "IN_FLIGHT", 3000)
    monkeypatch.setattr(compress, "WORKERS", 1)
    assert zipped(*entries) == all_at_once
    with zipfile.ZipFile(io.BytesIO(all_at_once)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [entry.name for entry in entries]


def test_more_than_a_zip_can_count_is_refused() -> None:
    entries = [Entry.file(str(index), b"", mode=0o644) for index in range(0x10000)]
    with pytest.raises(InputError, match="too many files for a zip"):
        zipped(*entries)
    with zipfile.ZipFile(io.BytesIO(zipped(*entries[1:]))) as archive:
        assert len(archive.namelist()) == 65_535


def test_more_than_four_times_what_lambda_takes_is_refused(tmp_path: Path) -> None:
    source = FileSource(path=tmp_path / "never-read", size=(1 << 30) + 1, crc32=0)
    with pytest.raises(InputError, match="too large for a package"):
        zipped(Entry.file("x", source, mode=0o644))


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    source = on_disk(tmp_path / "x", b"x" * 1_000_000)
    pieces: list[int] = []
    entries = [Entry.file("x", source, mode=0o644), PROGRAM]
    write_archive(io.BytesIO(), entries, progress=pieces.append)
    assert sum(pieces) == 1_004_000


@pytest.mark.parametrize("content", [b"longer than before", b"same as", b"short", b""])
def test_a_file_that_changed_since_it_was_looked_at_is_refused(
    content: bytes, tmp_path: Path
) -> None:
    source = on_disk(tmp_path / "x", b"as it was")
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match="the file changed while it was being packed"):
        zipped(Entry.file("x", source, mode=0o644))


def test_a_file_that_went_away_is_refused(tmp_path: Path) -> None:
    source = on_disk(tmp_path / "x", b"as it was")
    (tmp_path / "x").unlink()
    with pytest.raises(InputError, match="can't read it, No such file or directory"):
        zipped(Entry.file("x", source, mode=0o644))


def test_the_local_headers_say_the_same_as_the_directory() -> None:
    """Readers that stream a zip see only these."""
    content = zipped(PROGRAM)
    fields = struct.unpack_from("<IHHHHHIIIHH", content)
    assert fields[0] == 0x04034B50
    assert fields[2] == 0, "no flags"
    assert (fields[4], fields[5]) == (0, 0x21), "1980-01-01"
    assert fields[8] == 4000, "the size is known at the start"
    assert fields[10] == 0, "no extra field"
