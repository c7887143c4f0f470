"""`shim launcher` as it is typed."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import shim
from shim.arch import Arch
from shim.package.launchers import Flavour, dual_script, launcher

pytestmark = pytest.mark.usefixtures("lean_launchers")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(shim.__file__).parents[1]))


def shim_launcher(*words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "shim", "launcher", *words]
    return subprocess.run(command, capture_output=True, check=False)


def mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


@pytest.mark.parametrize("arch", Arch)
def test_the_launcher_is_written_as_bootstrap(arch: Arch) -> None:
    done = shim_launcher("--arch", arch)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"bootstrap\n", b"")
    assert Path("bootstrap").read_bytes() == launcher(arch, Flavour.LEAN)
    assert mode("bootstrap") == 0o755


def test_another_output_is_replaced_whatever_its_mode_was() -> None:
    Path("out").write_bytes(b"old")
    Path("out").chmod(0o400)
    assert shim_launcher("--arch", "arm64", "--output", "out").returncode == 0
    assert Path("out").read_bytes() == launcher(Arch.ARM64, Flavour.LEAN)
    assert mode("out") == 0o755
    assert [path.name for path in Path().iterdir()] == ["out"]


def test_a_dash_is_standard_output() -> None:
    done = shim_launcher("--arch", "x86_64", "--output", "-")
    assert done.stdout == launcher(Arch.X86_64, Flavour.LEAN)
    assert not list(Path().iterdir())


def test_all_for_both_architectures_goes_into_a_folder() -> None:
    Path("build").mkdir()
    for _ in range(2):
        done = shim_launcher("--dual", "--output", "build", "--json")
        assert json.loads(done.stdout)["files"] == [
            "build/.shim/aarch64",
            "build/.shim/x86_64",
            "build/bootstrap",
        ]
    assert Path("build/bootstrap").read_bytes() == dual_script()
    for arch in Arch:
        path = f"build/.shim/{arch.machine}"
        assert Path(path).read_bytes() == launcher(arch, Flavour.LEAN)
        assert mode(path) == 0o755
    assert len(list(Path("build").rglob("*"))) == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], b"one of the arguments --arch --dual is required"),
        (["--arch", "mips"], b"not x86_64 or arm64: mips"),
        (["--arch", "arm64", "--dual"], b"not allowed with argument"),
        (["--arch", "arm64", "-o", "no/bootstrap"], b"the output's folder is not there"),
        (["--arch", "arm64", "-o", "/tmp"], b"is not a regular file: `/tmp`"),
        (["--dual", "-o", "no"], b"with `--dual` the output is a folder that is there: `no`"),
    ],
)
def test_what_cannot_work_is_refused(words: list[str], sentence: bytes) -> None:
    done = shim_launcher(*words)
    assert sentence in done.stderr
    assert (done.returncode, done.stdout) == (2, b"")
    assert not list(Path().iterdir())


def test_a_file_where_the_folder_should_be_is_said() -> None:
    Path(".shim").write_bytes(b"")
    done = shim_launcher("--dual")
    assert done.returncode == 3
    assert done.stderr == b"error: can't make the folder, File exists: `.shim`\n"
    assert not Path("bootstrap").exists()
