"""Zips of other tools as inputs of `shim pack`, and what goes along with `--include`."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

import shim
from shim.arch import Arch
from shim.package.launchers import Flavour, launcher_files
from tests.command import run_shim
from tests.requirements import require

X86, ARM = Arch.X86_64, Arch.ARM64
FILE, LINK = stat.S_IFREG, stat.S_IFLNK

pytestmark = pytest.mark.usefixtures("lean_launchers")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(shim.__file__).parents[1]))


def make(path: str, *members: tuple[str, int, bytes]) -> None:
    """A zip as other tools write it: path, `st_mode`, content."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = mode << 16
            archive.writestr(info, content)


def pack(*words: str) -> subprocess.CompletedProcess[str]:
    return run_shim("pack", *words)


def packed(*words: str) -> dict[str, tuple[int, bytes]]:
    """What is in the zip: `st_mode` and content by path."""
    done = pack(*words, "-o", "out.zip")
    assert (done.returncode, "error" in done.stderr) == (0, False), done.stderr
    with zipfile.ZipFile("out.zip") as archive:
        assert archive.testzip() is None
        return {
            info.filename: (info.external_attr >> 16, archive.read(info))
            for info in archive.infolist()
        }


def program(programs: dict[Arch, Path], arch: Arch) -> bytes:
    return programs[arch].read_bytes()


def test_zips_with_the_program_as_bootstrap_become_one_dual_package(
    programs: dict[Arch, Path],
) -> None:
    for arch in Arch:
        make(f"{arch}.zip", ("bootstrap", FILE | 0o755, program(programs, arch)))
    make("invoices.zip", ("bootstrap", FILE | 0o644, b"#!/bin/sh\n"))
    files = packed("orders=x86_64.zip", "orders=arm64.zip", "bin/invoices=invoices.zip")
    assert files["orders"] == (FILE | 0o755, program(programs, X86))
    assert files["orders_arm64"] == (FILE | 0o755, program(programs, ARM))
    assert files["bin/invoices"] == (FILE | 0o755, b"#!/bin/sh\n")
    assert files["bootstrap"][1] == launcher_files(tuple(Arch), Flavour.LEAN)["bootstrap"]
    manifest = json.loads(files[".shim/manifest.json"][1])
    assert sorted(manifest["handlers"]) == ["bin/invoices", "orders"]


@pytest.mark.parametrize("name", ["main", "./main"])
@pytest.mark.parametrize("target", ["main", "./main", "/var/task/main", "to-main"])
def test_build_lambda_zips_link_is_followed(
    programs: dict[Arch, Path], target: str, name: str
) -> None:
    make(
        "a.zip",
        (name, FILE | 0o755, program(programs, ARM)),
        ("bootstrap", LINK | 0o755, target.encode()),
        ("to-main", LINK | 0o777, b"main"),
    )
    files = packed("orders=a.zip")
    assert files["orders"] == (FILE | 0o755, program(programs, ARM))
    assert "main" not in files
    assert files["to-main"] == (LINK | 0o777, b"main")


def test_the_launcher_takes_the_place_of_a_shell_bootstrap(programs: dict[Arch, Path]) -> None:
    others = {
        "bin/orders": (FILE | 0o700, program(programs, X86)),
        "bin/orders_arm64": (FILE | 0o644, program(programs, ARM)),
        "lib/libx.so": (LINK | 0o777, b"libx.so.1"),
        "lib/libx.so.1": (FILE | 0o555, b"library"),
        "templates/a.html": (FILE | 0o600, b"<html>"),
        "tool.py": (FILE | 0o755, b"#!/usr/bin/python3\n"),
    }
    make(
        "old.zip",
        ("bootstrap", FILE | 0o755, b'#!/bin/sh\nexec "$_HANDLER"_$(uname -m)\n'),
        ("templates/", stat.S_IFDIR | 0o755, b""),
        *((name, mode, content) for name, (mode, content) in others.items()),
    )
    files = packed("old.zip")
    handlers = {"bin/orders", "bin/orders_arm64"}
    for name, (mode, content) in others.items():
        assert files[name] == (FILE | 0o755 if name in handlers else mode, content)
    launchers = launcher_files(tuple(Arch), Flavour.LEAN)
    assert files.keys() == {*others, *launchers, ".shim/manifest.json"}
    assert files["bootstrap"][1] == launchers["bootstrap"]


def test_a_package_of_ours_is_packed_anew(programs: dict[Arch, Path]) -> None:
    for arch, path in programs.items():
        Path(f"orders{arch.suffix}").write_bytes(path.read_bytes())
    for words in (["orders"], ["orders", "orders_arm64"]):
        first = packed(*words)
        Path("out.zip").rename("first.zip")
        assert packed("first.zip") == first
    done = pack("x=first.zip", "-o", "other.zip")
    assert "is shim's launcher, and no handler" in done.stderr
    assert "hint: give it without a name: `first.zip`" in done.stderr


def test_a_program_for_one_architecture_stays_where_it_is(programs: dict[Arch, Path]) -> None:
    make(
        "old.zip",
        ("bootstrap", FILE | 0o755, b"#!/bin/sh\n"),
        ("orders_arm64", FILE | 0o755, program(programs, ARM)),
    )
    files = packed("old.zip")
    assert files.keys() == {"bootstrap", ".shim/manifest.json", "orders_arm64"}
    assert list(json.loads(files[".shim/manifest.json"][1])["handlers"]) == ["orders"]


def test_included_files_go_along_and_are_no_handlers(programs: dict[Arch, Path]) -> None:
    shutil.copyfile(programs[ARM], "orders")
    Path("web/css").mkdir(parents=True)
    Path("web/css/a.css").write_text("a")
    Path("helper").write_text("#!/bin/sh\n")
    files = packed("orders", "--include", "web", "--include", "helper", "--include", "etc/x=web")
    assert files.keys() == {
        *("bootstrap", ".shim/manifest.json", "orders"),
        *("web/css/a.css", "helper", "etc/x/css/a.css"),
    }
    assert files["helper"][0] == FILE | 0o755
    assert list(json.loads(files[".shim/manifest.json"][1])["handlers"]) == ["orders"]


ELF_BOOTSTRAP, SCRIPT = ("bootstrap", FILE | 0o755), ("orders", FILE | 0o755, b"#!/bin/sh\n")
REFUSED: dict[str, tuple[list[tuple[str, int, bytes]], str]] = {
    "no bootstrap": ([SCRIPT], "there is no `bootstrap` in it"),
    "dangling": ([("bootstrap", LINK | 0o777, b"main")], "a link that leads to no file there"),
    "a circle": ([("bootstrap", LINK | 0o777, b"bootstrap")], "a link that leads to no file"),
    "link outside": ([("bootstrap", LINK | 0o777, b"../x")], "leads out of the package: `../x`"),
    "/etc": ([("bootstrap", LINK | 0o777, b"/etc/passwd")], "leads out of the package"),
    "no program": ([("bootstrap", FILE | 0o755, b"text")], "neither an ELF program nor"),
    "..": ([SCRIPT, ("../x", FILE | 0o644, b"")], "the name `../x` leads out of the package"),
    "absolute": ([SCRIPT, ("/x", FILE | 0o644, b"")], "the name `/x` leads out of the package"),
    "twice": ([SCRIPT, ("./orders", FILE | 0o644, b"")], "`orders` is there twice"),
    "a pipe": ([SCRIPT, ("x", stat.S_IFIFO | 0o644, b"")], "neither a file, a folder nor a link"),
    "shim's own": (
        [("bootstrap", FILE | 0o755, b"#!/bin/sh\n"), (".shim/x", FILE | 0o644, b"")],
        "`.shim` is shim's own folder",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_packed_is_refused_and_nothing_is_written(case: str) -> None:
    members, sentence = REFUSED[case]
    make("a.zip", *members)
    done = pack("name=a.zip", "-o", "out.zip")
    assert sentence in done.stderr
    assert "a.zip" in done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert os.listdir() == ["a.zip"]  # noqa: PTH208 - names are what is asked for


def test_a_program_as_bootstrap_needs_a_name(programs: dict[Arch, Path]) -> None:
    make("a.zip", (*ELF_BOOTSTRAP, program(programs, ARM)))
    done = pack("a.zip", "-o", "out.zip")
    assert done.returncode == 2
    assert "the handler's name is not known: a.zip" in done.stderr
    assert "hint: say which handler it becomes: `NAME=a.zip`" in done.stderr


def unpack(path: str, folder: str) -> None:
    """As a tool leaves it before it zips."""
    subprocess.run(["unzip", "-q", path, "-d", folder], check=True)


@pytest.mark.parametrize("name", ["orders=", ""])
def test_a_folder_with_a_bootstrap_is_taken_as_its_zip_is(name: str) -> None:
    require(shutil.which("unzip") is not None, "Info-ZIP's unzip is not there")
    bootstrap = ("bootstrap", FILE | 0o755, b'#!/bin/sh\nexec "./$_HANDLER"\n')
    other = SCRIPT if not name else ("lib", LINK | 0o777, b"data")
    make("a.zip", bootstrap, other, ("data", FILE | 0o640, b"data"))
    unpack("a.zip", "a")
    assert packed(f"{name}a") == packed(f"{name}a.zip")


def test_a_folder_with_a_program_as_bootstrap_needs_a_name(programs: dict[Arch, Path]) -> None:
    Path("README.md").touch()  # or it would lie as cargo-lambda lays it
    Path("a").mkdir()
    shutil.copyfile(programs[ARM], "a/bootstrap")
    done = pack("a", "-o", "out.zip")
    assert (done.returncode, "hint: say which handler it becomes: `NAME=a`" in done.stderr) == (
        2,
        True,
    )
    assert packed("orders=a")["orders"] == (FILE | 0o755, programs[ARM].read_bytes())


def test_a_zip_bomb_is_refused_by_what_it_announces() -> None:
    make("a.zip", ("bootstrap", FILE | 0o755, bytes(251 << 20)))
    assert Path("a.zip").stat().st_size < 1 << 20
    done = pack("name=a.zip", "-o", "out.zip")
    assert (done.returncode, "over 250.0 MB unzipped" in done.stderr) == (2, True)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_zip_is_a_sentence_never_a_traceback(seed: int) -> None:
    import random

    chance = random.Random(seed)
    make("a.zip", ("bootstrap", FILE | 0o755, b"#!/bin/sh\n" * 50), SCRIPT)
    content = bytearray(Path("a.zip").read_bytes())
    for _ in range(chance.randint(1, 4)):
        content[chance.randrange(4, len(content))] = chance.randrange(256)
    Path("a.zip").write_bytes(content[: chance.randint(10, len(content) * 2)])
    from shim.cli.main import main

    assert main(["pack", "name=a.zip", "-o", "out.zip"]) in {0, 2}
    assert sorted(path.name for path in Path().iterdir()) in (["a.zip"], ["a.zip", "out.zip"])
