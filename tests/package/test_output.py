"""A file is there whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from shim.errors import InputError, MachineError
from shim.package.output import check_output, new_file


def write(path: Path, content: bytes, *, executable: bool = False) -> None:
    with new_file(path, executable=executable) as file:
        file.write(content)


def write_until_interrupted(path: Path, content: bytes) -> None:
    with new_file(path) as file:
        file.write(content)
        raise KeyboardInterrupt


@pytest.fixture(params=["nameless", "named"], autouse=True)
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test once as on systems that have no files without a name."""
    if request.param == "named":
        monkeypatch.setattr(sys, "platform", "darwin")


def test_nothing_is_to_be_seen_until_the_file_is_whole(tmp_path: Path) -> None:
    with new_file(tmp_path / "a") as file:
        file.write(b"whole")
        file.flush()
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a", b"old")
    with pytest.raises(KeyboardInterrupt):
        write_until_interrupted(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MachineError) as caught, new_file(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    expected = f"can't write the file, No space left on device: `{tmp_path / 'a'}`"
    assert caught.value.message == expected


def test_modes_are_those_of_a_new_file_or_of_a_program(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write(tmp_path / "private", b"")
        write(tmp_path / "program", b"", executable=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "program").stat().st_mode) == 0o755


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link", b"content")
    assert (tmp_path / "link").readlink() == Path("target")
    assert (tmp_path / "target").read_bytes() == b"content"


def test_a_missing_folder_is_said_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the output's folder is not there") as caught:
        check_output(tmp_path / "no such/a.zip")
    assert caught.value.hint == f"make it: `mkdir -p '{tmp_path}/no such'`"


@pytest.mark.parametrize("path", ["/dev/null", "/tmp", "/dev/full/x", f"/tmp/{'x' * 300}"])
def test_what_is_no_place_for_a_file_is_refused(path: str) -> None:
    with pytest.raises(InputError):
        check_output(Path(path))


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InputError):
        check_output(tmp_path / "a")
