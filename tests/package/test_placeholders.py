"""Files that only stand for what should be there."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from shim.package.placeholders import is_lfs_pointer, link_in_text
from shim.package.read import read_package
from tests.check.builders import entry, link, package
from tests.requirements import require

POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""


def test_a_link_that_git_wrote_as_text_is_known_by_where_it_leads() -> None:
    one = package(entry("bin/orders"), entry("bootstrap", b"bin/orders", 0o644))
    assert link_in_text(one, one.entries[1]) == "bin/orders"


def test_it_is_read_from_a_checkout_without_links(tmp_path: Path) -> None:
    require(shutil.which("git") is not None, "git is not there")
    Path(tmp_path, "bin").mkdir()
    Path(tmp_path, "bin/orders").write_bytes(b"#!/bin/sh\n")
    Path(tmp_path, "bin/start").symlink_to("./orders")
    for words in (
        ("init", "--quiet"),
        ("add", "bin"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message=a"),
        ("clone", "--quiet", "--config=core.symlinks=false", ".", "clone"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    one = read_package(tmp_path / "clone" / "bin")
    start = one.names["start"]
    assert start is not None
    assert link_in_text(one, start) == "orders"


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"bin/other", b"bin", b"bootstrap", b"../bin/orders", b"/bin/orders"),
        *(b"bin/orders\n", b"bin/orders\0", b"\xff\xfe", b"x" * 2000),
    ],
)
def test_other_texts_are_no_links(text: bytes) -> None:
    one = package(entry("bin/orders"), entry("bootstrap", text))
    assert link_in_text(one, one.entries[1]) is None


def test_links_folders_and_what_cannot_be_read_are_no_texts() -> None:
    unreadable = replace(entry("b", b"bin/orders"), problem="it is encrypted")
    one = package(entry("bin/orders"), link("a", "bin/orders"), unreadable, entry("c/"))
    assert [link_in_text(one, each) for each in one.entries] == [None] * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POINTER, True),
        (POINTER.replace(b"git-lfs.github.com/spec/v1", b"hawser.github.com/spec/v1"), True),
        (POINTER.replace(b"v1", b"v11"), False),
        (b"#!/bin/sh\n# version https://git-lfs.github.com/spec/v1\n", False),
        (POINTER + bytes(2000), False),
    ],
)
def test_a_pointer_to_git_lfs_is_known_by_its_first_line(text: bytes, *, expected: bool) -> None:
    assert is_lfs_pointer(entry("orders", text)) == expected
