"""The launcher's own errors under the real emulator: its caller gets type and sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.emulate.host import Host
from shim.emulate.session import Session
from shim.emulate.start import Start
from tests.launcher.cases import CASES, Case
from tests.launcher.package import LAUNCHER_FOLDER, NATIVE, PATTERNED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.launcher.package import Package

ROOT = "/var/task"
WITH_HANDLER = {name: case for name, case in CASES.items() if case.handler is not None}
"""The emulator always sets the variable, be it to nothing."""


@pytest.mark.parametrize("arch", list(Arch))
@pytest.mark.parametrize("build", ["lean", "full", PATTERNED])
@pytest.mark.parametrize("case", WITH_HANDLER.values(), ids=WITH_HANDLER)
def test_the_caller_gets_the_launchers_error(
    make_package: Callable[[str, Arch], Package],
    emulator: Path,
    case: Case,
    *,
    build: str,
    arch: Arch,
) -> None:
    assert_told(make_package(build, arch), case, emulator)


@pytest.mark.parametrize("case", WITH_HANDLER.values(), ids=WITH_HANDLER)
def test_the_caller_gets_it_from_a_dual_package_too(
    make_package: Callable[[str, Arch], Package], emulator: Path, case: Case
) -> None:
    package = make_package("lean", NATIVE)
    native = package.root / ".shim" / NATIVE.machine
    native.parent.mkdir()
    package.bootstrap.rename(native)
    package.add("bootstrap", (LAUNCHER_FOLDER / "dual.sh").read_bytes())
    if case.kind == "HandlerIsLauncher" and case.handler != "./bootstrap":
        # Here the launcher is not where it says: these two would start the script.
        case = replace(
            case,
            wrapper=case.wrapper.replace("bootstrap", f".shim/{NATIVE.machine}"),
            links=dict.fromkeys(case.links, f".shim/{NATIVE.machine}"),
            sentence=case.sentence.replace("bootstrap", f".shim/{NATIVE.machine}"),
        )
    assert_told(package, case, emulator)


def assert_told(package: Package, case: Case, emulator: Path) -> None:
    """Start it; the caller's answer and the log have the sentence, and the answer the type."""
    case.fill(package)
    start = Start(
        package=package.root,
        handler=case.handler or "",
        arch=package.arch,
        environment=case.variables(ROOT),
    )
    log: list[bytes] = []
    with Session(start, place=Host(program=emulator), log=log.append) as session:
        answer = session.invoke(b"{}")
    message = case.message(package, ROOT)
    assert answer.error_type == f"Runtime.{case.kind}"
    said = json.loads(answer.payload)["errorMessage"]
    assert said == message if package.is_lean else said.startswith(message)
    assert any(message.encode() in line for line in log), "the line on standard error"
