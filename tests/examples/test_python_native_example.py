"""The compiled Python example, built in a container, packed, and invoked for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from tests.command import run_shim
from tests.conftest import CONTAINER_BUILT, NATIVE
from tests.examples.commands import packed
from tests.examples.conftest import EXAMPLES
from tests.shared import alone

if TYPE_CHECKING:
    from pathlib import Path

    from shim.arch import Arch


@pytest.fixture(scope="session")
def compiled(bases: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `examples/python-native/build` makes."""
    out = tmp_path_factory.mktemp("python-native") / "out"
    with alone("container-build"):
        done = _build(out, f"--base={bases}", *(f"--arch={arch}" for arch in CONTAINER_BUILT))
    assert done.returncode == 0, done.stderr[-4000:]
    return out


def _build(out: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, "OUT": str(out), **variables}
    script = EXAMPLES / "python-native" / "build"
    return subprocess.run(
        [script, *words], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.usefixtures("lean_launchers")
@pytest.mark.parametrize("arch", CONTAINER_BUILT)
def test_a_compiled_handler_answers_invocations(compiled: Path, arch: Arch, tmp_path: Path) -> None:
    package = packed(compiled / arch, tmp_path / "hello.zip")
    with ZipFile(package) as archive:
        manifest = json.loads(archive.read(".shim/manifest.json"))
    assert list(manifest["handlers"]) == ["bin/hello"]
    event = EXAMPLES / "events" / "greet.json"
    options: list[str | Path] = ["--handler", "bin/hello", "--arch", arch, "--event", event]
    done = run_shim("run", package, *options, "--repeat", "2")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    expected = {"message": "Hello, Ada!", "python": "3.11.2", "machine": arch.machine}
    assert answers == [expected, expected]
    assert "greeting for request" in done.stderr


def test_no_file_is_there_that_only_a_python_would_read(compiled: Path) -> None:
    names = {path.name for path in (compiled / NATIVE / "bin").rglob("*")}
    assert "hello" in names
    assert not [name for name in names if name.endswith((".py", ".pyc"))]


def test_without_an_engine_it_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    kept = tmp_path / "out" / NATIVE / "kept"
    kept.parent.mkdir(parents=True)
    kept.touch()
    done = _build(tmp_path / "out", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert "error: no container engine answers" in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["out", str(NATIVE), "kept"]


def test_without_a_list_of_imports_it_says_which_file(engine: Any, tmp_path: Path) -> None:
    assert engine.ping()
    (tmp_path / "orders.py").touch()
    command: list[str | Path] = [sys.executable, EXAMPLES.parent / "build" / "handler.py"]
    command += [tmp_path / "orders.py", "--output", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"error: there is no list of what the handler imports: {tmp_path}/req" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["orders.py"]
