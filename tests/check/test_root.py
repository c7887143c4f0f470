"""A root file system as the runtime: Debian's releases as the file has them, and strange ones."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import shim.check
from shim.arch import Arch
from shim.check.ld_cache import read_cache
from shim.check.listing import Listing
from shim.check.root import _versions, read_root
from shim.cli.main import main
from shim.elf import read_start
from shim.errors import InputError
from tests.check.builders import program
from tests.check.oracle.roots import RELEASES, require_roots, root_tar
from tests.requirements import require

if TYPE_CHECKING:
    from shim.check.runtimes import Runtime

CHECK = Path(shim.check.__file__).parent
SCRIPT = Path(__file__).parents[2] / "scripts" / "read_runtime.py"
DAY = date(2026, 11, 27)
OWN_LINES = {"architectures", "image", "listing", "test_only"}
"""Of a runtime's table what one root file system can't say, or says of its own day."""


@pytest.mark.parametrize("arch", Arch)
@pytest.mark.parametrize("name", RELEASES)
def test_a_release_is_read_as_the_data_have_it(name: str, arch: Arch, tmp_path: Path) -> None:
    require_roots(arch)
    words: list[str | Path] = [root_tar(name, arch), "--name", name, "--listings", tmp_path]
    said = subprocess.run(
        [sys.executable, SCRIPT, *words], check=True, capture_output=True, text=True
    ).stdout
    assert "sha256:" in said.splitlines()[0]
    there = tomllib.loads((CHECK / "runtimes.toml").read_text())["runtime"][name]
    read = tomllib.loads(said)["runtime"][name]
    assert read["architectures"] == [arch]
    for key in (there.keys() | read.keys()) - OWN_LINES:
        assert read[key] == there[key]
    listing = (tmp_path / f"{name}-{arch}.txt").read_text()
    assert listing == (CHECK / "listings" / f"{name}-{arch}.txt").read_text()


def shared_library() -> bytes:
    """A C library: this machine's own."""
    file = Path("/lib/x86_64-linux-gnu/libc.so.6")
    require(file.exists(), "not a Debian of x86_64")
    return file.read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The smallest root file system that counts as one."""
    folder = tmp_path / "root"
    for name in ("usr/bin", "usr/lib64", "etc"):
        (folder / name).mkdir(parents=True)
    for name in ("bin", "lib64"):
        (folder / name).symlink_to(f"usr/{name}")
    for name in ("libc.so.6", "ld-linux-x86-64.so.2"):
        (folder / "usr/lib64" / name).write_bytes(shared_library())
    add_program(folder / "usr/bin/bash")
    (folder / "usr/bin/sh").symlink_to("bash")
    (folder / "etc/os-release").write_text('NAME="Small"\nPRETTY_NAME="Small Linux 1"\n')
    return folder


def add_program(file: Path, mode: int = 0o755) -> None:
    file.write_bytes(b"#!/bin/true\n")
    file.chmod(mode)


def programs(runtime: Runtime) -> frozenset[str]:
    return runtime.programs(Arch.X86_64)


def test_loader_libraries_and_programs_are_read(root: Path) -> None:
    runtime = read_root(root, day=DAY)
    assert runtime.system == "Small Linux 1"
    assert runtime.architectures == {Arch.X86_64}
    assert runtime.merged_usr
    assert runtime.library_folders == ("/lib64", "/usr/lib64")
    assert programs(runtime) == {"/usr/bin/bash", "/usr/bin/sh"}
    assert runtime.defines("libc.so.6", "GLIBC_2.34", Arch.X86_64)
    assert not runtime.defines("libc.so.6", "GLIBC_2.99", Arch.X86_64)
    assert runtime.versions["GLIBC"] >= (2, 34)


def test_links_stay_inside(root: Path) -> None:
    (root / "usr/bin/absolute").symlink_to("/usr/bin/bash")
    (root / "usr/bin/above").symlink_to("../../../../../../usr/bin/bash")
    (root / "usr/bin/outside").symlink_to(root.parent / "outside")
    add_program(root.parent / "outside")
    (root / "usr/bin/loop").symlink_to("loop")
    found = programs(read_root(root, day=DAY))
    assert {"/usr/bin/absolute", "/usr/bin/above"} <= found
    assert not {"/usr/bin/outside", "/usr/bin/loop"} & found


def test_what_may_not_be_executed_is_no_program(root: Path) -> None:
    add_program(root / "usr/bin/hidden", 0o750)
    (root / "usr/bin/folder").mkdir()
    add_program(root / "usr/bin/two words")
    assert programs(read_root(root, day=DAY)) == {"/usr/bin/bash", "/usr/bin/sh"}


def test_a_library_counts_by_the_names_that_programs_ask_for(root: Path) -> None:
    (root / "usr/lib64/libc.so").symlink_to("libc.so.6")
    (root / "usr/lib64/libc-2.36.so").write_bytes(shared_library())
    (root / "usr/lib64/libtext.so.1").write_text("INPUT ( -lc )\n")
    (root / "usr/lib64/libcut.so.1").write_bytes(shared_library()[:200])
    libraries = read_root(root, day=DAY).listing(Arch.X86_64).libraries
    assert {"libc.so.6", "libc.so"} <= libraries.keys()
    assert not {"libc-2.36.so", "libtext.so.1", "libcut.so.1"} & libraries.keys()


def test_a_version_that_only_the_linker_has_makes_no_newer_glibc() -> None:
    libraries = {
        "libc.so.6": frozenset({"GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_PRIVATE"}),
        "ld-linux-x86-64.so.2": frozenset({"GLIBC_2.35"}),
        "libstdc++.so.6": frozenset({"GLIBCXX_3.4.29", "GLIBCXX_3.4.30"}),
    }
    versions = _versions(Listing(programs=frozenset(), libraries=libraries))
    assert versions == {"GLIBC": (2, 34), "GLIBCXX": (3, 4, 30)}


def test_pipes_and_devices_are_not_opened(root: Path) -> None:
    os.mkfifo(root / "usr/lib64/libpipe.so.1")
    os.mkfifo(root / "etc/ld.so.cache")
    assert "libpipe.so.1" not in read_root(root, day=DAY).listing(Arch.X86_64).libraries


def test_of_libraries_only_so_much_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.check.root._BYTES_LIMIT", 10_000)
    with pytest.raises(InputError, match="no root file system that anything runs in"):
        read_root(root, day=DAY)


def test_broken_libraries_are_left_out_or_read(root: Path) -> None:
    rng = random.Random(1)
    whole, file = shared_library(), root / "usr/lib64/libbroken.so.1"
    segments = read_start(lambda at, size: whole[at : at + size]).segments
    (dynamic,) = (segment.offset for segment in segments if segment.kind == 2)
    for _ in range(200):
        data = bytearray(whole)
        begin = rng.choice([0, dynamic])
        for _ in range(rng.randint(1, 20)):
            data[begin + rng.randrange(400)] = rng.choice([0, 1, 0x7F, 0xFF, rng.randrange(256)])
        file.write_bytes(data)
        assert "libc.so.6" in read_root(root, day=DAY).listing(Arch.X86_64).libraries


@pytest.mark.parametrize("part", ["usr/lib64/libc.so.6", "usr/lib64/ld-linux-x86-64.so.2"])
def test_what_has_no_glibc_is_refused(root: Path, part: str) -> None:
    (root / part).unlink()
    with pytest.raises(InputError, match="no root file system with glibc"):
        read_root(root, day=DAY)


def read_by_script(source: str | Path, listings: Path) -> str:
    """What the script prints."""
    words: list[str | Path] = [source, "--name", "small", "--listings", listings]
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_folder_a_tar_and_an_image_say_the_same(engine: Any, root: Path, tmp_path: Path) -> None:
    tar, listing = tmp_path / "small.tar", tmp_path / "small-x86_64.txt"
    subprocess.run(["tar", "-C", root, "-cf", tar, "."], check=True)
    name = f"shim-test-root-{os.getpid()}:small"
    engine.api.import_image_from_file(str(tar), *name.split(":"))
    try:
        said = [read_by_script(source, tmp_path) for source in (root, tar)]
        tables = [tomllib.loads(one) for one in (*said, read_by_script(name, tmp_path))]
    finally:
        engine.images.remove(name)
    assert tables[0]["runtime"]["small"]["system"] == "Small Linux 1"
    assert tables[0] == tables[1] == tables[2]
    assert "/usr/bin/bash" in listing.read_text().split()


def check(root: Path, folder: Path, *words: str) -> int:
    """What `shim check` of a package in `folder` ends with, where `root` is the runtime."""
    return main(["check", str(folder), "--root", str(root), *words])


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("#!/bin/sh\nexec ./app\n", 0, "starts"),
        ("#!/bin/dash\n", 1, "/bin/dash`, which is not there in"),
    ],
)
def test_a_package_is_checked_in_it(
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    script: str,
    status: int,
    said: str,
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "app").write_bytes(program())
    (package / "app").chmod(0o755)
    add_program(package / "bootstrap")
    (package / "bootstrap").write_text(script)
    assert check(root, package) == status
    printed = capsys.readouterr().out
    assert said in printed
    assert str(root) in printed
    assert "arm64" not in printed


def test_it_stands_in_the_place_of_a_runtime(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(root, tmp_path, "--runtime", "provided.al2") == 2
    assert "not allowed with" in capsys.readouterr().err


def test_a_folder_that_is_no_root_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path, tmp_path) == 2
    assert f"no root file system with glibc: `{tmp_path}`" in capsys.readouterr().err


def test_a_cache_that_is_cut_off_names_fewer_libraries() -> None:
    data = Path("/etc/ld.so.cache").read_bytes()
    whole = dict(read_cache(data))
    assert whole["libc.so.6"].endswith("/libc.so.6")
    for size in (0, 20, 48, 60, 200, len(data) - 100):
        assert len(list(read_cache(data[:size]))) <= len(whole)
