"""What `shim pack` makes, under the real emulator: the launcher between Lambda and the handler."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.emulate.host import Host
from shim.emulate.session import Answer, Session
from shim.emulate.start import Start
from shim.package.extract import unpack
from tests.command import run_shim
from tests.requirements import require_runs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("lean_launchers")
ARCHES = pytest.mark.parametrize("arch", list(Arch))


def pack(output: Path, functions: dict[Arch, Path], *arches: Arch) -> Path:
    programs = [f"bin/orders={functions[arch]}" for arch in arches]
    run_shim("pack", *programs, "-o", output).check_returncode()
    return output


def invoke(emulator: Path, package: Path, arch: Arch, handler: str) -> Answer:
    require_runs(arch)
    start = Start(package=package, handler=handler, arch=arch)
    with Session(start, place=Host(program=emulator), log=lambda _: None) as session:
        return session.invoke(b"{}")


@ARCHES
def test_a_handler_answers_through_the_launcher(
    arch: Arch, emulator: Path, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    package = pack(tmp_path / "single.zip", functions, arch)
    answer = invoke(emulator, package, arch, "bin/orders")
    path = f"/var/task/bin/orders{arch.suffix}"
    assert json.loads(answer.payload)["machine"] == arch.machine
    assert json.loads(answer.payload)["program"] in {path, "/var/task/bin/orders"}


@ARCHES
def test_a_dual_package_answers_on_both_architectures(
    arch: Arch, emulator: Path, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    package = pack(tmp_path / "dual.zip", functions, *Arch)
    answer = invoke(emulator, package, arch, "bin/orders")
    assert json.loads(answer.payload) == {
        "machine": arch.machine,
        "program": f"/var/task/bin/orders{arch.suffix}",
    }


@ARCHES
def test_the_launchers_reason_reaches_the_caller_word_for_word(
    arch: Arch, emulator: Path, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    package = pack(tmp_path / "dual.zip", functions, *Arch)
    answer = invoke(emulator, package, arch, "bin/invoices")
    assert answer.error_type == "Runtime.HandlerNotFound"
    assert "bin/invoices" in answer.error_message


@ARCHES
def test_a_handler_for_the_other_architecture_is_the_wrong_one_here_too(
    arch: Arch, emulator: Path, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    (other,) = set(Arch) - {arch}
    folder = tmp_path / "package"
    folder.mkdir()
    unpack(pack(tmp_path / "p.zip", functions, arch), folder, limit=1 << 20)
    for handler in (folder / "bin").iterdir():
        handler.write_bytes(functions[other].read_bytes())
    answer = invoke(emulator, folder, arch, "bin/orders")
    assert answer.error_type == "Runtime.WrongArchitecture"
