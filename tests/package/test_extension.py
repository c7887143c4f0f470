"""`shim extension` as it is typed, and its script under every shell."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shim
from shim.package.launchers import extension_script
from tests.command import run_shim
from tests.launcher.test_dual import MISLEADING, SHELLS
from tests.requirements import require

if TYPE_CHECKING:
    from shim.arch import Arch

NAMER = b'#!/bin/sh\necho "${0#"$PWD"/}" "$@"\n'


@pytest.fixture(autouse=True)
def workspace(programs: dict[Arch, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(shim.__file__).parents[1]))
    for arch, program in programs.items():
        shutil.copyfile(program, arch)
    Path("text").write_text("text\n")


def extension(*words: str) -> subprocess.CompletedProcess[str]:
    return run_shim("extension", *words)


PROGRAMS = ["--x86-64", "x86_64", "--arm64", "arm64"]


def test_the_script_alone_is_in_the_folder_that_lambda_starts_from() -> None:
    done = extension("audit", *PROGRAMS, "--include", "etc/text=text")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--layer-name audit --zip-file fileb://audit.zip" in done.stdout
    assert "--compatible-architectures x86_64 arm64" in done.stdout
    with zipfile.ZipFile("audit.zip") as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert files == {
        ".extensions/aarch64/audit": Path("arm64").read_bytes(),
        ".extensions/x86_64/audit": Path("x86_64").read_bytes(),
        "etc/text": b"text\n",
        "extensions/audit": extension_script(),
    }
    assert {modes.pop("etc/text")} == {stat.S_IFREG | 0o644}
    assert {*modes.values()} == {stat.S_IFREG | 0o755}


def test_the_json_lists_what_is_in_the_layer() -> None:
    result = json.loads(extension("audit", *PROGRAMS, "-o", "a.zip", "--json").stdout)
    assert result["files"] == [
        ".extensions/aarch64/audit",
        ".extensions/x86_64/audit",
        "extensions/audit",
    ]
    assert result["architectures"] == ["x86_64", "arm64"]


REFUSED = {
    "swapped": (["a", "--x86-64", "arm64", "--arm64", "x86_64"], "a program for arm64, given for"),
    "no program": (["a", "--x86-64", "x86_64", "--arm64", "text"], "neither an ELF program nor"),
    "a zip": (["a", "--x86-64", "x86_64", "--arm64", "old.zip"], "neither an ELF program nor"),
    "a folder": (["a", "--x86-64", "x86_64", "--arm64", "."], "would be part of the input"),
    "missing": (["a", "--x86-64", "x86_64", "--arm64", "no"], "can't read it, No such file"),
    "one only": (["a", "--x86-64", "x86_64"], "the following arguments are required: --arm64"),
    "a slash": (["a/b", *PROGRAMS], "an extension can't have this name: `a/b`"),
    "dots": (["..", *PROGRAMS], "an extension can't have this name: `..`"),
    "hidden": ([".a", *PROGRAMS], "an extension can't have this name: `.a`"),
    "a blank": (["a b", *PROGRAMS], "an extension can't have this name: `a b`"),
    "a second extension": (
        ["a", *PROGRAMS, "--include", "extensions/b=text"],
        "Lambda starts all that is in `extensions`: `extensions/b`",
    ),
    "a runtime": (["a", *PROGRAMS, "--include", "bootstrap=text"], "the launcher's own path"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_work_is_refused_and_changes_nothing(case: str) -> None:
    with zipfile.ZipFile("old.zip", "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh\n")
    before = sorted(Path().iterdir())
    words, sentence = REFUSED[case]
    done = extension(*words)
    assert sentence in done.stderr
    assert (done.returncode, done.stdout) == (2, "")
    assert sorted(Path().iterdir()) == before


def start(shell: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start an unpacked layer's script as Lambda does, under `shell` called `sh`."""
    for machine in ("x86_64", "aarch64"):
        program = Path(f"opt/.extensions/{machine}/my-ext.v1")
        program.parent.mkdir(parents=True)
        program.write_bytes(NAMER)
        program.chmod(0o755)
    Path("opt/extensions").mkdir()
    Path("opt/extensions/my-ext.v1").write_bytes(extension_script())
    link = Path("sh").absolute()
    link.symlink_to(shell[0])
    words = [str(link)] if len(shell) == 1 else shell
    # Lambda gives an extension no variable that begins with `_`, and no LAMBDA_TASK_ROOT.
    return subprocess.run(
        [*words, str(Path("opt/extensions/my-ext.v1").absolute()), "one two"],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("variables", [{}, *MISLEADING])
@pytest.mark.parametrize("name", SHELLS)
def test_every_shell_starts_this_machines_program_under_its_own_name(
    name: str, variables: dict[str, str]
) -> None:
    shell = SHELLS[name]
    require(Path(shell[0]).exists(), f"the shell {shell[0]} is not installed")
    done = start(shell, variables)
    path = f"opt/.extensions/{os.uname().machine}/my-ext.v1"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path} one two\n", "")


@pytest.mark.parametrize(("name", "forks"), [("bash", False), ("dash", True)])
def test_bash_does_not_fork(name: str, *, forks: bool) -> None:
    strace = shutil.which("strace")
    require(strace is not None, "strace is not installed")
    words = [str(strace), "-f", "-e", "trace=clone,clone3,fork,vfork", "-o", "log"]
    assert start([*words, "-E", "x=y", *SHELLS[name]], {}).returncode == 0
    made = [
        line for line in Path("log").read_text().splitlines() if "fork(" in line or "clone" in line
    ]
    assert bool(made) == forks
