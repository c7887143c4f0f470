"""The candidates: made for real, started for real, each of them ends in the handler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pytest

from shim.arch import Arch
from shim.bench import assembly, session
from shim.bench.candidates import (
    RECIPES,
    Candidate,
    Missing,
    chosen,
    lambda_environment,
    make,
    make_starter,
)
from shim.bench.machine import describe, own_arch
from shim.bench.runner import StartRunner
from shim.elf import read_header
from shim.errors import MachineError
from tests.requirements import require, require_runs, require_zig

BASELINES = Path(assembly.__file__).parent / "baselines"
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
EVERYWHERE = ("nothing", "assembly", "lean", "python")
OF_SHELLS = tuple(name for name in BY_NAME if name.endswith(("-bash", "-dash")))
OF_COMPILERS = ("c-musl", "c-static", "c-dynamic")


@pytest.fixture(autouse=True)
def _working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # runners change it; this brings it back


def _made(name: str, folder: Path) -> Candidate:
    made = make(BY_NAME[name], own_arch(), folder=folder)
    reason = made.reason if isinstance(made, Missing) else ""
    require(not reason, f"{name} can't be made here: {reason}")
    assert isinstance(made, Candidate)
    return made


@pytest.mark.parametrize("name", [*EVERYWHERE, *OF_SHELLS, *OF_COMPILERS])
def test_a_candidate_starts_the_handler(name: str, tmp_path: Path) -> None:
    candidate = _made(name, tmp_path)
    session._require_start(candidate)


@pytest.mark.parametrize("name", ["assembly", "lean", *OF_SHELLS])
def test_a_candidate_that_does_not_start_the_handler_is_named(name: str, tmp_path: Path) -> None:
    candidate = _made(name, tmp_path)
    for handler in candidate.root.glob("bin/*"):
        handler.unlink()
    with pytest.raises(MachineError, match=rf"ended with \d+: {name}$"):
        session._require_start(candidate)


def test_what_a_candidate_complains_of_is_the_hint(tmp_path: Path) -> None:
    candidate = _made("exec-dash", tmp_path)
    (candidate.root / "bin" / "orders").unlink()
    with pytest.raises(MachineError) as caught:
        session._require_start(candidate)
    assert caught.value.hint is not None
    assert "bin/orders" in caught.value.hint


def test_a_candidate_that_can_not_be_executed_is_an_error_with_a_hint(tmp_path: Path) -> None:
    candidate = _made("nothing", tmp_path)
    candidate.bootstrap.chmod(0o644)  # as on a file system that is mounted noexec
    with pytest.raises(MachineError, match="can't be started: nothing") as caught:
        session._require_start(candidate)
    assert caught.value.hint is not None
    assert "--folder" in caught.value.hint


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_script_is_run_by_its_shell_under_the_name_sh(shell: str, tmp_path: Path) -> None:
    candidate = _made(f"short-{shell}", tmp_path)
    first_line = candidate.bootstrap.read_text().partition("\n")[0]
    assert first_line == f"#!{tmp_path}/shells/{shell}/sh"
    ask = [str(tmp_path / "shells" / shell / "sh"), "-c", "echo ${BASH_VERSION:+bash}; set -o"]
    said = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()
    assert [word for word in said if word in {"bash", "posix"}] == (
        ["bash", "posix"] if shell == "bash" else []
    )


def test_the_scripts_pass_shellcheck() -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.defpath}")
    require(shellcheck is not None, "shellcheck is not installed")
    assert shellcheck is not None
    subprocess.run([shellcheck, *sorted(BASELINES.glob("*.sh"))], check=True)


@pytest.mark.parametrize("arch", list(Arch))
@pytest.mark.parametrize(
    ("source", "code"),
    [("handler", assembly.HANDLER), ("floor", assembly.FLOOR), ("starter", assembly.STARTER)],
)
def test_the_machine_code_is_what_the_assembly_source_says(
    arch: Arch, source: str, code: dict[Arch, bytes], tmp_path: Path
) -> None:
    require_zig()
    require(find_spec("elftools") is not None, "pyelftools is not installed")
    from elftools.elf.elffile import ELFFile

    target = ("-target", f"{arch.machine}-linux-musl")
    command = [sys.executable, "-m", "ziglang", "cc", *target, "-c", "-o", "code.o"]
    subprocess.run([*command, str(BASELINES / f"{source}.{arch}.S")], cwd=tmp_path, check=True)
    text = ELFFile(BytesIO((tmp_path / "code.o").read_bytes())).get_section_by_name(".text")
    assert text is not None
    assert text.data() == code[arch]


@pytest.mark.parametrize("arch", list(Arch))
def test_what_is_assembled_is_a_program_for_its_architecture(arch: Arch) -> None:
    for code in (assembly.HANDLER, assembly.FLOOR, assembly.STARTER):
        program = assembly.program(arch, code)
        assert read_header(program).arch is arch
        assert len(program) < 400


@pytest.mark.parametrize("arch", list(Arch))
def test_handler_and_floor_run(arch: Arch, tmp_path: Path) -> None:
    require_runs(arch)
    (tmp_path / "bin").mkdir()
    for name, code in (("bin/orders", assembly.HANDLER), ("bootstrap", assembly.FLOOR)):
        (tmp_path / name).write_bytes(assembly.program(arch, code))
        (tmp_path / name).chmod(0o755)
    assert subprocess.run([tmp_path / "bin" / "orders"], check=False).returncode == 42
    assert subprocess.run([tmp_path / "bootstrap"], cwd=tmp_path, check=False).returncode == 42
    assert subprocess.run([tmp_path / "bootstrap"], cwd="/", check=False).returncode == 127


@pytest.mark.parametrize("arch", list(Arch))
def test_the_starter_waits_and_takes_the_time_before_the_exec(arch: Arch, tmp_path: Path) -> None:
    require_runs(arch)
    starter = make_starter(arch, folder=tmp_path)
    handler = tmp_path / "bootstrap"
    handler.write_bytes(assembly.program(arch, assembly.HANDLER))
    handler.chmod(0o755)
    candidate = Candidate(name="nothing", title="", root=tmp_path)
    began: list[int] = []
    runner = StartRunner(starter, lambda *_: began.append(time.monotonic_ns()))
    sample = runner.run(candidate)
    after = time.monotonic_ns()
    assert sample.stamp_ns > 0
    assert 0 < sample.launch_ns < after - began[0]


def test_what_can_not_be_executed_ends_the_starter_with_127(tmp_path: Path) -> None:
    starter = make_starter(own_arch(), folder=tmp_path)
    candidate = Candidate(name="gone", title="", root=tmp_path)
    with pytest.raises(MachineError, match="it ended with 127: gone"):
        StartRunner(starter, lambda *_: None).run(candidate)


def test_the_two_that_all_is_held_against_are_in_every_choice() -> None:
    assert [one.name for one in chosen(["lean"], with_slow=False)] == [
        "nothing",
        "assembly",
        "lean",
    ]


def test_slow_candidates_are_made_only_when_asked_for() -> None:
    slow = {"nuitka", "nuitka-onefile"}
    assert slow.isdisjoint(one.name for one in chosen([], with_slow=False))
    assert slow <= {one.name for one in chosen([], with_slow=True)}
    assert "nuitka" in [one.name for one in chosen(["nuitka"], with_slow=False)]


def test_what_can_not_be_made_is_missing_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])  # no Nuitka, also where it is installed
    missing = make(BY_NAME["nuitka"], own_arch(), folder=tmp_path)
    assert isinstance(missing, Missing)
    assert "pip install 'nuitka[onefile]'" in missing.reason


def test_the_size_is_that_of_all_that_a_package_carries_for_the_start(tmp_path: Path) -> None:
    candidate = _made("dual-bash", tmp_path)
    parts = ["bootstrap", ".shim/x86_64", ".shim/aarch64"]
    assert candidate.size == sum((candidate.root / part).stat().st_size for part in parts)


def test_the_environment_is_that_of_lambda(tmp_path: Path) -> None:
    candidate = Candidate(name="x", title="x", root=tmp_path)
    environment = lambda_environment(candidate)
    assert environment["_HANDLER"] == "bin/orders"
    assert environment["LAMBDA_TASK_ROOT"] == str(tmp_path)
    assert environment["PATH"] == "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert not {"HOME", "SHELL", "PWD"} & set(environment)


def test_the_machine_is_described() -> None:
    machine = describe()
    assert machine.arch is own_arch()
    assert machine.cpu
    assert machine.kernel.startswith(os.uname().release)
    assert machine.memory_mb > 100
