"""Every command on systems that aren't Linux: it works, or says in a sentence why it can't."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.cli.main import COMMANDS
from tests.check.builders import program
from tests.systems.other import MODULES, names_on

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEMS = ("win32", "darwin")
LINUX_ONLY = (
    *("shim/bench/", "shim/launcher/"),
    *(
        f"shim/emulate/{name}.py"
        for name in ("fork_server", "host", "process", "pump", "sandbox", "standin", "supervisor")
    ),
)
"""What isn't imported on other systems; the launcher runs on Lambda alone."""

ROOT = Path(__file__).parents[2]


def shim_on(
    system: str, *commands: Sequence[str | Path], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Commands on another system, which end alike; none ends with a traceback."""
    lines = [shlex.join(map(str, words)) for words in commands]
    done = subprocess.run(
        [sys.executable, "-m", "tests.systems.other", system, *lines],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_room_but_those_that_start_programs_takes_what_the_system_lacks(
    system: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "mypy", "--platform", system, "--cache-dir", str(tmp_path)]
    found = subprocess.run(
        [*command, "shim"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    assert found[-1].startswith(("Found ", "Success")), found
    assert [line for line in found[:-1] if not line.startswith(LINUX_ONLY)] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_command_explains_itself(system: str, tmp_path: Path) -> None:
    done = shim_on(system, *((command, "--help") for command in COMMANDS), folder=tmp_path)
    usages = [line for line in done.stdout.splitlines() if line.startswith("usage: shim ")]
    assert [line.split()[2] for line in usages] == list(COMMANDS)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_starts_linux_programs_says_that_it_can_not(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nobody")
    (tmp_path / "bootstrap").write_bytes(program())
    commands = (("run", ".", "--handler", "hello"), ("run", ".", "--in", "machine"), ("bench",))
    done = shim_on(system, *commands, folder=tmp_path)
    name = {"win32": "Windows", "darwin": "macOS"}[system]
    assert done.returncode == 3
    assert done.stderr.count(f"starts Linux programs, and this is {name}\nhint: ") == 2
    assert f"Linux programs, which {name} starts in containers\nhint: start one (" in done.stderr


@pytest.mark.parametrize("system", SYSTEMS)
def test_packages_have_the_same_bytes(system: str, programs: Path, tmp_path: Path) -> None:
    both = ("--x86-64", programs / "hello", "--arm64", programs / "hello_arm64")
    commands: tuple[tuple[str | Path, ...], ...] = (
        ("pack", programs, "-o", "function.zip"),
        ("layer", "-o", "layer.zip"),
        ("launcher", "--arch", "arm64", "-o", "launcher"),
        ("extension", "hello", *both, "-o", "extension.zip"),
    )
    made = []
    for where in ("linux", system):
        folder = tmp_path / where
        folder.mkdir()
        done = shim_on(where, *commands, folder=folder)
        assert done.returncode == 0, done.stderr
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert len(made[0]) == len(commands)
    assert made[0] == made[1]


@pytest.mark.parametrize("system", SYSTEMS)
def test_modes_of_the_inputs_change_nothing(system: str, programs: Path, tmp_path: Path) -> None:
    made = set()
    for mode in (0o755, 0o666, 0o600):
        for path in filter(Path.is_file, programs.rglob("*")):
            path.chmod(mode)
        done = shim_on(system, ("pack", programs, "-o", tmp_path / "out.zip"), folder=tmp_path)
        assert done.returncode == 0, done.stderr
        made.add((tmp_path / "out.zip").read_bytes())
    assert len(made) == 1


@pytest.mark.parametrize("system", SYSTEMS)
def test_verdicts_are_the_same(system: str, programs: Path, tmp_path: Path) -> None:
    packed = shim_on("linux", ("pack", programs, "-o", "a.zip"), folder=tmp_path)
    assert packed.returncode == 0, packed.stderr
    commands = (("check", "a.zip", "--json"), ("check", "a.zip", "--root", "/"))
    here, there = (shim_on(where, *commands, folder=tmp_path) for where in ("linux", system))
    assert here.stdout
    assert (there.returncode, there.stdout) == (here.returncode, here.stdout)


def test_a_folder_on_windows_has_no_modes_to_believe(programs: Path, tmp_path: Path) -> None:
    bootstrap = programs / "bootstrap"
    bootstrap.write_bytes(b"#!/bin/sh\nexec ./$_HANDLER\n")
    bootstrap.chmod(0o644)
    done = shim_on("win32", ("check", programs), folder=tmp_path)
    assert "made on Windows" in done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_other_systems_lack_something_of_each_module(module: str) -> None:
    assert any(names_on("linux", module) - names_on(system, module) for system in SYSTEMS)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with programs and a data file."""
    folder = tmp_path / "programs"
    (folder / "bin").mkdir(parents=True)
    for name in ("hello", "bin/orders"):
        (folder / name).write_bytes(program())
        (folder / f"{name}_arm64").write_bytes(program(Arch.ARM64))
    (folder / "data.txt").write_text("data\r\n", newline="")
    return folder
