"""The `bootstrap` of a dual package: the script picks the machine's launcher, under every shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.elf import read_header
from tests.launcher.package import LAUNCHER_FOLDER, NATIVE
from tests.launcher.start import PROBE_STATUS
from tests.requirements import require, require_runs

if TYPE_CHECKING:
    from collections.abc import Mapping

SHELLS = {
    "bash": ["/bin/bash"],
    "dash": ["/bin/dash"],
    "busybox": ["/bin/busybox", "sh"],
    "ksh": ["/bin/ksh93"],
    "mksh": ["/bin/mksh"],
    "zsh": ["/bin/zsh"],
}
ARM64_BASH = Path("/bin/bash-static")
"""Debian's package `bash-static:arm64`."""

MISLEADING = [
    {"HOSTTYPE": "aarch64", "MACHTYPE": "aarch64-linux-gnu"},
    {"HOSTTYPE": "x86_64", "MACHTYPE": "x86_64-linux-gnu"},
    {"HOSTTYPE": "", "BASH_VERSION": "5", "BASH_VERSINFO": "nonsense"},
    {"m": "x", "CPUTYPE": "m68k", "BASH_VERSINFO": "(5 2 15 1 release sparc-sun-solaris)"},
]


class Dual:
    """A dual package, and how to start it as Lambda does: `/bin/sh` runs its `bootstrap`."""

    def __init__(self, root: Path, probes: Mapping[Arch, Path]) -> None:
        self.root = root
        (root / ".shim").mkdir()
        shutil.copy(LAUNCHER_FOLDER / "dual.sh", root / "bootstrap")
        (root / "bootstrap").chmod(0o755)
        shutil.copy(probes[Arch.X86_64], root / "orders")
        shutil.copy(probes[Arch.ARM64], root / "orders_arm64")
        for arch in Arch:
            shutil.copy(LAUNCHER_FOLDER / "bin" / f"lean-{arch}", root / ".shim" / arch.machine)

    def start(
        self,
        shell: list[str],
        *,
        variables: Mapping[str, str] | None = None,
        path: str | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Start it under `shell`, which then believes to be called `sh`."""
        link = self.root / "sh"
        if not link.is_symlink():
            link.symlink_to(shell[0])
        environment = {
            "PATH": path or "/usr/bin:/bin",
            "_HANDLER": "orders",
            "LAMBDA_TASK_ROOT": str(self.root),
            **(variables or {}),
        }
        command = [*([str(link)] if len(shell) == 1 else shell), str(self.root / "bootstrap")]
        return subprocess.run(
            [*command, "one", "two words"],
            env=environment,
            cwd=self.root,
            capture_output=True,
            check=False,
        )


@pytest.fixture
def dual(tmp_path: Path, probes: dict[Arch, Path]) -> Dual:
    """A dual package."""
    root = tmp_path / "task"
    root.mkdir()
    return Dual(root, probes)


@pytest.fixture
def shell(request: pytest.FixtureRequest) -> list[str]:
    """The words that start the shell of this name."""
    words = SHELLS[request.param]
    require(Path(words[0]).exists(), f"the shell {words[0]} is not installed")
    return words


def handler_words(done: subprocess.CompletedProcess[bytes]) -> list[bytes]:
    """What the handler was called with."""
    assert done.stderr == b""
    assert done.returncode == PROBE_STATUS
    words = done.stdout.split(b"\0")[1:]
    return [word[1:] for word in words[: words.index(b"")]]


def test_the_script_has_two_lines() -> None:
    lines = (LAUNCHER_FOLDER / "dual.sh").read_bytes().split(b"\n")
    assert (lines[0], len(lines), lines[2]) == (b"#!/bin/sh", 3, b"")


@pytest.mark.parametrize("variables", [{}, *MISLEADING])
@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_every_shell_starts_this_machines_variant(
    dual: Dual, shell: list[str], variables: dict[str, str]
) -> None:
    words = handler_words(dual.start(shell, variables=variables))
    assert words == [os.fsencode(dual.root / f"orders{NATIVE.suffix}"), b"one", b"two words"]


@pytest.mark.parametrize("variables", [{}, *MISLEADING])
def test_bash_of_the_other_architecture_starts_the_other_variant(
    dual: Dual, variables: dict[str, str]
) -> None:
    is_there = ARM64_BASH.exists()
    is_there = is_there and read_header(ARM64_BASH.read_bytes()[:64]).arch is Arch.ARM64
    require(is_there, "Debian's package bash-static:arm64 is not installed")
    words = handler_words(dual.start([str(ARM64_BASH)], variables=variables))
    assert words[0] == os.fsencode(dual.root / "orders_arm64")


# Bash tells by itself, and busybox has a `uname` of its own.
@pytest.mark.parametrize("shell", sorted({*SHELLS} - {"bash", "busybox"}), indirect=True)
def test_a_shell_that_does_not_tell_asks_uname(
    dual: Dual, shell: list[str], tmp_path: Path
) -> None:
    require_runs(Arch.ARM64)
    uname = tmp_path / "uname"
    uname.write_text('#!/bin/sh\ntest "$*" = -m && echo aarch64\n')
    uname.chmod(0o755)
    words = handler_words(dual.start(shell, path=f"{tmp_path}:/usr/bin:/bin"))
    assert words[0] == os.fsencode(dual.root / "orders_arm64")


@pytest.mark.parametrize(("shell", "forks"), [("bash", False), ("dash", True)], indirect=["shell"])
def test_only_a_shell_that_does_not_tell_forks(
    dual: Dual, shell: list[str], *, forks: bool, tmp_path: Path
) -> None:
    strace = shutil.which("strace")
    require(strace is not None, "strace is not installed")
    log = tmp_path / "log"
    calls = "trace=clone,clone3,fork,vfork"
    called_sh = tmp_path / "sh"
    called_sh.symlink_to(shell[0])
    done = dual.start([str(strace), "-f", "-e", calls, "-o", str(log), str(called_sh)])
    assert handler_words(done)
    made = [line for line in log.read_text().splitlines() if "fork(" in line or "clone" in line]
    assert bool(made) == forks


def test_the_environment_gets_nothing_but_what_every_shell_adds(dual: Dual) -> None:
    done = dual.start(["/bin/bash"], variables={"m": "mine", "A": "1"})
    variables = {item[1:] for item in done.stdout.split(b"\0") if b"=" in item[1:]}
    names = {item.split(b"=")[0] for item in variables}
    assert {b"m=mine", b"A=1", b"_HANDLER=orders"} <= variables
    assert names - {b"PWD", b"SHLVL", b"_", b"OLDPWD"} == {
        *(b"PATH", b"_HANDLER", b"LAMBDA_TASK_ROOT", b"m", b"A")
    }


def test_a_link_to_the_script_ends_instead_of_starting_itself_for_ever(dual: Dual) -> None:
    for name in ("orders", "orders_arm64"):
        (dual.root / name).unlink()
        (dual.root / name).symlink_to("bootstrap")
    done = dual.start(["/bin/dash"])
    assert done.returncode == 127


def test_it_works_in_opt_as_in_the_task_root(
    dual: Dual, tmp_path: Path, probes: dict[Arch, Path]
) -> None:
    task = tmp_path / "function"
    task.mkdir()
    shutil.copy(probes[Arch.X86_64], task / "orders")
    shutil.copy(probes[Arch.ARM64], task / "orders_arm64")
    words = handler_words(dual.start(["/bin/dash"], variables={"LAMBDA_TASK_ROOT": str(task)}))
    assert words[0].startswith(os.fsencode(task))
