"""Who reads a command's output may go away at any time; its exit status is the command's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shim.package.entry import Entry
from shim.package.function import write_zip
from tests.command import TREE
from tests.requirements import require

SHIM = f"{sys.executable} -m shim"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A line of bash, which tells the first command's exit status last."""
    return subprocess.run(
        ["bash", "-c", f"{line}; echo ${{PIPESTATUS[0]}}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": TREE},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_zip(tmp_path / "empty.zip", [Entry.file("readme", b"", mode=0o644)])
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        *("check empty.zip", "check empty.zip --json", "--help", "check --help", "check none"),
        *("cache", "completion fish"),
    ],
)
@pytest.mark.parametrize("redirected", ["| true", "2>&1 | true", "> /dev/null"])
def test_a_reader_that_goes_away_changes_nothing(words: str, redirected: str, here: Path) -> None:
    alone = shell(f"{SHIM} {words} > /dev/null 2>&1", here)
    done = shell(f"{SHIM} {words} {redirected}", here)
    assert done.stdout == alone.stdout
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        *("check empty.zip", "cache", "launcher --arch arm64 --output -", "completion bash"),
        *("--help", "--version", "plan --help"),
    ],
)
def test_a_result_that_can_not_be_written_is_an_error(words: str, here: Path) -> None:
    require(Path("/dev/full").exists(), "no /dev/full")
    done = shell(f"{SHIM} {words} > /dev/full", here)
    assert done.stdout == "3\n"
    assert done.stderr == "error: can't write the result, No space left on device\n"


@pytest.mark.parametrize(
    "words",
    ["launcher --arch arm64 --output -", "pack big --output -"],
)
def test_what_is_lost_where_nobody_reads_it_is_an_error(words: str, here: Path) -> None:
    (here / "big").write_bytes(b"#!/bin/sh\n" + os.urandom(1 << 20))
    (here / "big").chmod(0o755)
    closed = shell(f"{SHIM} {words} >&-", here)
    assert closed.stdout == "3\n", closed.stderr
    assert "error: can't write the result, nobody reads it" in closed.stderr
    if not words.startswith("launcher"):  # which a pipe takes as a whole
        assert shell(f"{SHIM} {words} | true", here).stdout == "3\n"


def test_an_error_that_can_not_be_written_changes_no_exit_status(here: Path) -> None:
    require(Path("/dev/full").exists(), "no /dev/full")
    assert shell(f"{SHIM} check none 2> /dev/full", here).stdout == "2\n"
    assert shell(f"{SHIM} check none >&- 2>&-", here).stdout == "2\n"


def test_names_that_the_locale_can_not_spell_are_spelt_out(here: Path) -> None:
    write_zip(here / "b\u00fc.zip", [Entry.file("readme", b"", mode=0o644)])
    done = shell(f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 {SHIM} check b*.zip", here)
    assert done.stdout.splitlines()[-1] == "1"
    assert done.stdout.isascii()
