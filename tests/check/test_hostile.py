"""Packages that were made to break whatever reads them."""

from __future__ import annotations

import io
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from shim.check.verdict import verdict
from shim.errors import InputError
from shim.package.directory import ENTRIES_LIMIT
from shim.package.read import read_package
from tests.check.builders import entry, launcher, program, state
from tests.check.hostile.campaign import campaign
from tests.check.hostile.inputs import bomb, damaged_elf

MEMORY = 512 << 20
"""Bytes of address space that a check may have."""


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, program())
    return path


def limited(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A Python program with no more than MEMORY."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )


def test_broken_input_ends_in_an_answer_or_a_clear_error() -> None:
    # Many more of them: `python -m tests.check.hostile.campaign 100000`.
    tally = campaign(range(300), workers=1, elf=Path("/bin/true").read_bytes())
    assert tally.problems == []
    assert tally.peak < MEMORY
    assert tally.ends["check: 1"] > 50
    assert tally.ends["pack: 0, then check: 0"] > 0


def test_mutated_programs_end_in_a_verdict() -> None:
    rng = random.Random(4)
    for _ in range(2000):
        verdict(state(entry("bootstrap", launcher()), entry("orders", damaged_elf(rng, program()))))


def test_nothing_is_kept_of_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(bomb(1 << 28))
    done = limited("shim", "check", path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "[unzipped-large]" in done.stdout


def test_65535_entries_are_checked_in_little_memory(tmp_path: Path) -> None:
    path = zipped(tmp_path / "many.zip", *(f"d{n % 100}/f{n}" for n in range(65_535)))
    done = limited("shim", "check", path)
    assert (done.returncode, done.stderr) == (
        1,
        "note: 65,335 handlers beyond the first 200 were not checked: name one with --handler\n",
    )


def test_more_entries_than_any_package_has_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    record = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *[0] * 16) * (ENTRIES_LIMIT + 1)
    file.write(record)
    file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(record), 0, 0))
    path = tmp_path / "package.zip"
    path.write_bytes(file.getvalue())
    with pytest.raises(InputError, match="more than 100,000 entries"):
        read_package(path)


def test_folders_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    names = [f"{n}/" + "a/" * 10_000 + "b" for n in range(8)]
    with pytest.raises(InputError, match="nested deeper"):
        read_package(zipped(tmp_path / "deep.zip", *names))


def test_overlapping_entries_are_found(tmp_path: Path) -> None:
    data = zipped(tmp_path / "a.zip", "one", "two").read_bytes()
    at = data.rindex(b"PK\x01\x02")
    path = tmp_path / "overlap.zip"
    path.write_bytes(data[: at + 42] + bytes(4) + data[at + 46 :].replace(b"two", b"one"))
    problems = [entry.problem for entry in read_package(path).entries]
    assert problems == [None, "it overlaps with another entry, or with the directory"]


def test_encrypted_entries_are_found(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "a.zip", "one").read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "encrypted.zip"
    path.write_bytes(data)
    assert read_package(path).entries[0].problem == "it is encrypted"


def test_zip64_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("one", "w", force_zip64=True) as file:
        file.write(program())
    (one,) = read_package(path).entries
    assert one.read(0, one.size) == program()


def test_a_zip64_field_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "wide.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("one")
        info.extra = struct.pack("<HHQI", 1, 12, 5, 0)
        archive.writestr(info, program())
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    # The field announces more than there is, and what there is are no whole numbers.
    data[at + 46 + 3 + 2] = 16
    path.write_bytes(data)
    (one,) = read_package(path).entries
    assert one.read(0, one.size) == program()


def test_a_zip_behind_other_bytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "late.zip"
    path.write_bytes(b"#!/bin/sh\n" + zipped(tmp_path / "a.zip", "one").read_bytes())
    (one,) = read_package(path).entries
    assert one.read(0, one.size) == program()


@pytest.mark.parametrize("cut", [0, 1, 10, 21])
def test_a_zip_that_is_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    data = zipped(tmp_path / "a.zip", "one").read_bytes()
    path = tmp_path / "cut.zip"
    path.write_bytes(data[:cut] or data[:-1])
    with pytest.raises(InputError, match="not a zip, or it is cut off"):
        read_package(path)


def test_any_part_of_an_entry_can_be_read(tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one", content)
    (one,) = read_package(path).entries
    for offset, size in [(0, 10), (5_000_000, 200_000), (70_000, 1 << 21), (5_119_999, 50)]:
        assert one.read(offset, size) == content[offset : offset + size]


def test_a_pipe_a_socket_and_a_device_in_a_folder_are_named_and_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    os.mkfifo("bootstrap")
    Path("device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
    package = read_package(tmp_path)
    assert {one.name: one.read(0, 9) for one in package.entries}["bootstrap"] == b""
    found = verdict(replace(state(), package=package)).findings
    special = [one.location for one in found if one.code == "entry-special"]
    assert [path.rpartition("!/")[2] for path in special] == ["bootstrap", "socket"]


def test_a_pipe_is_no_package(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.zip")
    with pytest.raises(InputError, match="neither a zip nor a folder"):
        read_package(tmp_path / "package.zip")
