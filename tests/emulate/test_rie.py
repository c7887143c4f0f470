"""Fetching the emulator: with the real pip, from a wheel made here, and nothing half done."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import zipfile
from importlib.util import find_spec
from pathlib import Path

import deflate
import pytest

import shim
from shim.arch import Arch
from shim.emulate import rie
from shim.errors import MachineError
from tests.requirements import require
from tests.wait import wait_until

PROGRAM = b"\x7fELF the emulator"
MEMBER = "samcli/local/rapid/aws-lambda-rie-x86_64"
TREE = str(Path(shim.__path__[0]).parent)


def make_wheel(folder: Path, *, program: bytes = PROGRAM) -> rie.Pin:
    """A wheel in `folder`, and the pin for a good one."""
    metadata = "Metadata-Version: 2.1\nName: aws-sam-cli\nVersion: 1.0\n"
    path = folder / "aws_sam_cli-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("aws_sam_cli-1.0.dist-info/METADATA"), metadata)
        archive.writestr(zipfile.ZipInfo("aws_sam_cli-1.0.dist-info/WHEEL"), "Wheel-Version: 1.0\n")
        archive.writestr(zipfile.ZipInfo(MEMBER), program)
    return rie.Pin(
        distribution="aws-sam-cli",
        version="1.0",
        wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        megabytes=1,
        member=MEMBER,
        sha256=hashlib.sha256(PROGRAM).hexdigest(),
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip finds wheels, and nowhere else."""
    require(find_spec("pip") is not None, f"no pip for {sys.executable}")
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def files(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if not path.is_dir())


def test_pip_fetches_once_and_the_cache_gives_it_afterwards(index: Path, cache: Path) -> None:
    pin = make_wheel(index)
    assert rie.cached(cache, pin) is None
    path = rie.fetch(cache, pin)
    assert path.read_bytes() == PROGRAM
    assert path.stat().st_mode & 0o777 == 0o755
    assert rie.cached(cache, pin) == path
    assert files(cache) == ["rie/1.0/aws-lambda-rie-x86_64"]


def test_a_changed_program_in_the_cache_is_not_used_but_fetched_again(
    index: Path, cache: Path
) -> None:
    pin = make_wheel(index)
    rie.fetch(cache, pin).write_bytes(b"something else")
    assert rie.cached(cache, pin) is None
    assert rie.fetch(cache, pin).read_bytes() == PROGRAM


def test_a_wheel_with_another_hash_is_refused_by_pip(index: Path, cache: Path) -> None:
    pin = make_wheel(index)
    make_wheel(index, program=b"something else")
    with pytest.raises(MachineError, match="DO NOT MATCH THE HASHES") as caught:
        rie.fetch(cache, pin)
    assert "--rie FILE" in str(caught.value.hint)
    assert files(cache) == []


def test_a_wheel_without_the_pinned_program_is_refused(index: Path, cache: Path) -> None:
    pin = make_wheel(index, program=b"something else")
    with pytest.raises(MachineError, match="not the pinned one"):
        rie.fetch(cache, pin)
    assert files(cache) == []


def test_without_network_the_error_says_what_pip_said(index: Path, cache: Path) -> None:
    pin = make_wheel(index)
    next(index.iterdir()).unlink()
    with pytest.raises(
        MachineError, match=r"pip could not fetch aws-sam-cli 1\.0.*not find a version"
    ):
        rie.fetch(cache, pin)
    assert files(cache) == []


def test_several_first_runs_at_once_leave_one_valid_program(index: Path, cache: Path) -> None:
    pin = make_wheel(index)
    threads = [threading.Thread(target=rie.fetch, args=(cache, pin)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(cache) == ["rie/1.0/aws-lambda-rie-x86_64"]
    assert rie.cached(cache, pin)


def test_a_fetch_that_is_killed_leaves_a_cache_that_the_next_one_completes(
    index: Path, cache: Path, tmp_path: Path
) -> None:
    pin = make_wheel(index)
    hanging = tmp_path / "pip"
    hanging.write_text(
        '#!/bin/sh\necho "$$" > "$0.pid.part"\nmv "$0.pid.part" "$0.pid"\nsleep 60\n'
    )
    hanging.chmod(0o755)
    code = f"""
import sys; sys.path.insert(0, {TREE!r})
from pathlib import Path
from shim.emulate import rie
rie.fetch(Path({str(cache)!r}), rie.{pin!r}, pip=[{str(hanging)!r}])
"""
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    wait_until(Path(f"{hanging}.pid").exists, seconds=20)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert rie.cached(cache, pin) is None
    abandoned = next((cache / "rie" / "1.0").glob(".fetch-*"))
    assert rie.fetch(cache, pin).read_bytes() == PROGRAM
    assert abandoned.exists(), "it could be that of another fetch of now"
    os.utime(abandoned, (0, 0))
    rie.fetch(cache, pin)
    assert files(cache) == ["rie/1.0/aws-lambda-rie-x86_64"]


def test_a_cache_that_can_not_be_written_is_named(index: Path, tmp_path: Path) -> None:
    pin = make_wheel(index)
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match=r"could not keep the emulator.*file") as caught:
        rie.fetch(tmp_path / "file", pin)
    assert "SHIM_CACHE" in str(caught.value.hint)


def test_a_full_disk_is_told_and_nothing_is_left(index: Path, cache: Path) -> None:
    pin = make_wheel(index, program=os.urandom(200_000))
    mounted = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    cache.mkdir()
    script = f'mount -t tmpfs -o size=64k none {cache} && "$@"; find {cache} -type f'
    code = f"""
import sys; sys.path.insert(0, {TREE!r})
from pathlib import Path
from shim.emulate import rie
try:
    rie.fetch(Path({str(cache)!r}), rie.{pin!r})
except rie.MachineError as error:
    print(error.message)
"""
    done = subprocess.run(
        [*mounted, script, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    is_mounted = "mount" not in done.stderr and "unshare" not in done.stderr
    require(is_mounted, f"no user namespaces: {done.stderr}")
    assert "No space left on device" in done.stdout
    assert len(done.stdout.splitlines()) == 1


@pytest.fixture
def shim_alone(tmp_path: Path) -> str:
    """A folder to import shim from, and what it reads zips with: beside installed ones is pip."""
    folder = tmp_path / "shim-alone"
    folder.mkdir()
    for package in (shim, deflate):
        (folder / package.__name__).symlink_to(package.__path__[0])
    return str(folder)


def test_without_any_pip_the_error_says_how_to_get_one(tmp_path: Path, shim_alone: str) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "shim", "run", str(tmp_path), "--handler", "x"],
        env={"PYTHONPATH": shim_alone, "PATH": "/nowhere", "SHIM_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "error: there is no pip to fetch the emulator with" in done.stderr
    assert f"{python} -m ensurepip" in done.stderr
    assert "--rie FILE" in done.stderr


@pytest.mark.parametrize("name", ["pip3", "pip", "uv"])
def test_another_pip_in_the_path_is_found(
    name: str, tmp_path: Path, *, shim_alone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    code = f"import sys; sys.path.insert(0, {shim_alone!r}); from shim.emulate import rie; "
    code += "print(*rie.pip_command())"
    monkeypatch.setenv("PATH", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert shlex.split(done.stdout)[0] == str(program)


@pytest.mark.parametrize("arch", list(Arch))
def test_the_pin_names_a_program_for_each_architecture(arch: Arch) -> None:
    pin = rie.read_pin(arch)
    assert pin.program == f"aws-lambda-rie-{arch}"
    assert len(pin.sha256) == len(pin.wheel_sha256) == 64
