"""The release build, really run: an engine, a base image, the launchers, and an empty root."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

import shim.launcher
from lean import ROOT
from shim.arch import Arch
from tests.conftest import CONTAINER_BUILT, NATIVE
from tests.container.images import scratch_image
from tests.requirements import require
from tests.shared import alone
from tests.wait import wait_until

SECONDS = 3 * 3600


@pytest.fixture(scope="session")
def released(bases: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `build/launchers.py --in container` filled."""
    folder = tmp_path_factory.mktemp("released")
    words = [
        f"--base={bases}",
        f"--output={folder}",
        *(f"--arch={arch}" for arch in CONTAINER_BUILT),
    ]
    with alone("container-build"):
        done = _launchers(*words)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def _launchers(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_command(), *words],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def _command() -> list[str]:
    return [sys.executable, str(ROOT / "build" / "launchers.py"), "--in", "container"]


def test_both_flavours_and_a_buildinfo_come_out(released: Path) -> None:
    names = {f"{kind}-{arch}" for arch in CONTAINER_BUILT for kind in ("lean", "full", "BUILDINFO")}
    assert {path.name for path in released.iterdir()} == names
    facts = json.loads((released / f"BUILDINFO-{NATIVE}").read_text())
    assert facts["tools"]["Nuitka"] == "4.3.3"
    assert set(facts["launchers"]) == {f"lean-{NATIVE}", f"full-{NATIVE}"}


def test_the_lean_launchers_bytes_do_not_depend_on_where_they_are_built(released: Path) -> None:
    installed = Path(shim.launcher.__file__).parent / "bin" / f"lean-{NATIVE}"
    require(installed.exists(), "no lean launcher is installed")
    assert (released / f"lean-{NATIVE}").read_bytes() == installed.read_bytes()


@pytest.mark.parametrize("arch", list(Arch))
@pytest.mark.parametrize("flavour", ["lean", "full"])
def test_in_an_empty_root_it_starts_a_handler_and_reports_a_failure(
    engine: Any, released: Path, programs: dict[Arch, Path], arch: Arch, flavour: str
) -> None:
    launcher = released / f"{flavour}-{arch}"
    if arch not in CONTAINER_BUILT:
        # Not built here in a container; the one from the host has to run in it all the same.
        launcher = Path(shim.launcher.__file__).parent / "bin" / launcher.name
    require(launcher.exists(), f"no {flavour} launcher is built for {arch}")
    image = f"shim-test-empty:{uuid.uuid4().hex}"
    files = {
        "var/task/bootstrap": launcher.read_bytes(),
        "var/task/orders": programs[arch].read_bytes(),
    }
    scratch_image(engine, image, arch=arch, files=files)
    try:
        assert _run(engine, image, "orders", arch=arch) == (0, "orders\n")
        status, report = _run(engine, image, "order", arch=arch)
        assert status == 127
        assert json.loads(report)["errorType"] == "Runtime.HandlerNotFound"
        assert ("Nearest in the package: orders" in report) == (flavour == "full")
    finally:
        engine.images.remove(image, force=True)


def _run(engine: Any, image: str, handler: str, *, arch: Arch) -> tuple[int, str]:
    container = engine.containers.create(
        image,
        ["/var/task/bootstrap"],
        environment={"_HANDLER": handler},
        platform=f"linux/{'arm64' if arch == 'arm64' else 'amd64'}",
    )
    try:
        container.start()
        status = container.wait(timeout=60)["StatusCode"]
        return status, container.logs().decode()
    finally:
        container.remove(force=True)


def test_without_an_engine_it_says_so(tmp_path: Path) -> None:
    done = _launchers(f"--arch={NATIVE}", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert "error: no container engine answers" in done.stderr


def test_a_base_image_that_is_not_there_is_named(engine: Any, tmp_path: Path) -> None:
    assert engine.ping()
    done = _launchers(f"--arch={NATIVE}", "--base=shim-test-none:1", TMPDIR=str(tmp_path))
    assert done.returncode == 1
    assert "the image to build in can't be had: shim-test-none:1" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_ended_in_the_middle_it_leaves_nothing(engine: Any, bases: str, tmp_path: Path) -> None:
    # A base whose packages take for ever. What is made of it has its label, containers too.
    mark = uuid.uuid4().hex
    name, ours = f"shim-test-slow:{mark}", {"label": f"shim-test={mark}"}
    recipe = tmp_path / "base" / "Dockerfile"
    temporary = tmp_path / "temporary"
    recipe.parent.mkdir()
    temporary.mkdir()
    recipe.write_text(
        f"FROM {bases.format(arch=NATIVE)}\nLABEL shim-test={mark}\n"
        "RUN printf '#!/bin/sh\\nexec sleep 600\\n' >/usr/bin/apt-get\n"
    )
    engine.images.build(path=str(recipe.parent), tag=name, rm=True)
    process = subprocess.Popen(
        [*_command(), f"--arch={NATIVE}", f"--base={name}", f"--output={tmp_path}/out"],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    )
    try:
        # Not `engine.containers`, which asks again for each one: it may be gone by then.
        wait_until(lambda: bool(engine.api.containers(filters=ours)), seconds=60)
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
        wait_until(lambda: not engine.api.containers(all=True, filters=ours), seconds=60)
        assert {path.name for path in tmp_path.iterdir()} == {"base", "temporary"}
        assert list(temporary.iterdir()) == []
    finally:
        process.kill()
        process.communicate()
        engine.images.remove(name, noprune=True)
        engine.images.prune(filters={"dangling": True, **ours})
    assert engine.images.list(all=True, filters=ours) == []
