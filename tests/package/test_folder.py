"""Packages as folders, `-o FOLDER/`, and as zips on standard output, `-o -`."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from shim.errors import InputError, MachineError
from shim.files import exchange
from shim.package.entry import Entry
from shim.package.folder import write_folder
from tests.command import run_shim

pytestmark = pytest.mark.usefixtures("lean_launchers", "workspace")

INPUTS = ("orders_x86_64", "orders_arm64", "hook", "--include", "text.txt")


def pack(*words: str) -> subprocess.CompletedProcess[str]:
    return run_shim("pack", *words)


def in_folder(folder: str) -> dict[str, tuple[int, bytes]]:
    """`st_mode` and content by path, folders left out."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            found[str(path.relative_to(folder))] = mode, os.fsencode(path.readlink())
        elif stat.S_ISREG(mode):
            found[str(path.relative_to(folder))] = mode, path.read_bytes()
    return found


def in_zip(content: bytes) -> dict[str, tuple[int, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {
            info.filename: (info.external_attr >> 16, archive.read(info))
            for info in archive.infolist()
        }


def test_a_folder_has_what_the_zip_has_whatever_the_umask() -> None:
    before = os.umask(0o077)
    try:
        done = pack(*INPUTS, "-o", "out/")
    finally:
        os.umask(before)
    assert (done.returncode, "CodeUri" in done.stderr) == (0, True), done.stderr
    assert pack(*INPUTS, "-o", "out.zip").returncode == 0
    assert in_folder("out") == in_zip(Path("out.zip").read_bytes())
    folders = [path for path in [Path("out"), *Path("out").rglob("*")] if path.is_dir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o755}


def test_links_of_a_package_stay_links() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        for name, mode, content in (
            ("bootstrap", stat.S_IFREG | 0o755, Path("hook").read_bytes()),
            ("lib/libm.so", stat.S_IFLNK | 0o777, b"libm.so.6"),
            ("lib/libm.so.6", stat.S_IFREG | 0o640, b"library"),
        ):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, content)
    assert pack("orders=a.zip", "-o", "out/").returncode == 0
    files = in_folder("out")
    assert files["lib/libm.so"][1] == b"libm.so.6"
    assert files["lib/libm.so.6"] == (stat.S_IFREG | 0o640, b"library")


def test_the_json_of_a_folder_has_no_zips_size_or_hash() -> None:
    done = pack("hook", "-o", "out/", "--json")
    result = json.loads(done.stdout)
    assert (result["output"], result["size"], result["codeSha256"]) == ("out", None, None)


def test_a_folder_of_shims_is_replaced_and_what_is_gone_is_gone() -> None:
    assert pack(*INPUTS, "-o", "out/").returncode == 0
    done = pack("hook", "--include", "text.txt", "--arch", "arm64", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert set(in_folder("out")) == {".shim/manifest.json", "bootstrap", "hook", "text.txt"}
    assert not list(Path().glob(".shim-*"))


@pytest.mark.parametrize("name", ["mine", "lib/mine", "text.txt"])
def test_a_folder_with_a_file_of_somebody_elses_stays_as_it_is(name: str) -> None:
    assert pack("hook", "-o", "out/").returncode == 0
    path = Path("out", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    before = in_folder("out")
    done = pack("orders_arm64", "-o", "out")
    expected = f"error: the folder has files that are not shim's, `{name}`: `out`"
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, expected)
    assert in_folder("out") == before


def test_what_has_the_same_names_is_not_ours_without_our_mark() -> None:
    Path("out").mkdir()
    Path("out/bootstrap").write_text("#!/bin/sh\n# written by hand\n")
    done = pack("hook", "-o", "out")
    assert (done.returncode, "`bootstrap`: `out`" in done.stderr) == (2, True)
    assert "by hand" in Path("out/bootstrap").read_text()


def test_an_empty_folder_is_filled() -> None:
    Path("out").mkdir()
    assert pack("hook", "-o", "out").returncode == 0
    assert "bootstrap" in in_folder("out")


def test_where_no_folder_can_be_is_said_before_any_work() -> None:
    for word, sentence in (
        ("none/out/", "the output's folder is not there"),
        ("text.txt/", "the output exists and is not a folder"),
        (".", "the output would take the current folder's place"),
        ("../", "the output would take the current folder's place"),
    ):
        done = pack("hook", "-o", word)
        assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr


def test_layers_and_extensions_are_folders_too() -> None:
    assert run_shim("layer", "hook", "-o", "layer/").returncode == 0
    assert "hook" in in_folder("layer")
    for _ in range(2):
        words = ("audit", "--x86-64", "orders_x86_64", "--arm64", "orders_arm64")
        done = run_shim("extension", *words, "-o", "extension/")
        assert (done.returncode, "ContentUri" in done.stdout) == (0, True), done.stderr
    assert "extensions/audit" in in_folder("extension")


def test_a_failure_leaves_the_old_folder_and_nothing_else() -> None:
    whole, broken = (
        [Entry.file(name, b"", mode=0o644) for name in names]
        for names in ((".shim/manifest.json", "a"), ("a", "a/b"))
    )
    write_folder(Path("out"), whole)
    with pytest.raises(MachineError, match="can't write the folder"):
        write_folder(Path("out"), broken)
    assert (set(in_folder("out")), list(Path().glob(".shim-*"))) == (
        {".shim/manifest.json", "a"},
        [],
    )


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_two_folders_change_places(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, name).touch()
    exchange(Path("a"), Path("b"))
    assert (Path("a/b").exists(), Path("b/a").exists()) == (True, True)
    with pytest.raises(FileNotFoundError):
        exchange(Path("none"), Path("b"))
    assert sorted(path.name for path in Path("b").iterdir()) == ["a"]


def test_a_system_without_modes_gets_a_zip() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.systems.other", "win32", "pack hook -o out/"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = (3, "hint: write a zip: `-o FILE.zip`")
    assert (done.returncode, done.stderr.splitlines()[-1]) == expected
    assert not Path("out").exists()


def test_standard_output_gets_the_zip_and_nothing_else() -> None:
    command = [sys.executable, "-m", "shim", "pack", *INPUTS, "-o"]
    done = subprocess.run([*command, "-"], capture_output=True, check=True)
    assert pack(*INPUTS, "-o", "out.zip").returncode == 0
    assert done.stdout == Path("out.zip").read_bytes()
    assert b"-: starts on x86_64 and arm64" in done.stderr
    layer = subprocess.run(
        [sys.executable, "-m", "shim", "layer", "-o", "-"], capture_output=True, check=True
    )
    assert "bootstrap" in in_zip(layer.stdout)


def test_standard_output_is_not_wanted_twice_and_is_no_terminal() -> None:
    done = pack("hook", "-o", "-", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "both want standard output" in json.loads(done.stderr)["error"]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "shim", "pack", "hook", "-o", "-"]
    shown = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert (shown.returncode, "no text for a terminal" in shown.stderr) == (2, True)


def test_nothing_comes_out_of_what_cannot_be_packed() -> None:
    command = [sys.executable, "-m", "shim", "pack", "text.txt", "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (2, b"")


def test_an_input_in_the_folder_is_no_reason_to_lose_it() -> None:
    Path("out").mkdir()
    shutil.copyfile("hook", "out/hook")
    done = pack("out/hook", "-o", "out")
    assert (done.returncode, Path("out/hook").exists()) == (2, True)
    with pytest.raises(InputError, match="not shim's"):
        write_folder(Path("out"), [Entry.file("hook", b"", mode=0o755)])
