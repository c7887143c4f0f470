"""The Python example: a `#!` script on awslambdaric."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.command import run_shim
from tests.examples.commands import packed
from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("lean_launchers")
def test_a_script_on_awslambdaric_answers_invocations(python_package: Path, tmp_path: Path) -> None:
    arch = Arch.from_machine(platform.machine())
    assert arch
    package = packed(python_package, tmp_path / "greet.zip")
    event = EXAMPLES / "events" / "greet.json"
    done = run_shim("run", package, "--handler", "greet", "--arch", arch, "--event", event)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["message"] == "Hello, Ada!"
    assert answer["machine"] == arch.machine
    assert "greeting for request" in done.stderr


def test_the_libraries_of_both_architectures_are_in_the_package(python_package: Path) -> None:
    names = [path.name for path in python_package.rglob("runtime_client.*.so")]
    assert sorted(name.split("-", 2)[2] for name in names) == [
        "aarch64-linux-gnu.so",
        "x86_64-linux-gnu.so",
    ]


def test_a_version_without_wheels_fails_and_leaves_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"OUT": str(tmp_path / "out")}
    done = subprocess.run(
        [EXAMPLES / "python" / "build", "3.5"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "awslambdaric==4.2.2" in done.stderr
    assert not list(tmp_path.iterdir())
