"""`shim check --image`: the runtime is what is in an image, of whatever engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from tests.check.builders import program
from tests.check.oracle.roots import RELEASES, unpack_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def check(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "shim", "check", *map(str, words)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder whose programs ask for what not every release has."""
    folder = tmp_path / "package"
    folder.mkdir()
    for arch in Arch:
        (folder / f"bootstrap-{arch}").write_bytes(program(arch))
    script = folder / "bootstrap"
    script.write_bytes(b"#!/bin/sh\nexec perl -e1\n")
    script.chmod(0o755)
    return folder


@pytest.mark.parametrize("arch", list(Arch))
@pytest.mark.parametrize("runtime", RELEASES)
def test_an_image_is_read_as_its_root_folder_is(
    engine: Any,
    runtime_image: Callable[[str, Arch], str],
    package: Path,
    tmp_path: Path,
    arch: Arch,
    runtime: str,
) -> None:
    name = runtime_image(runtime, arch)
    there = check(package, "--arch", arch, "--json", "--image", name)
    containers = engine.containers.list(all=True, filters={"ancestor": name, "status": "created"})
    root = unpack_root(runtime, arch, tmp_path)
    here = check(package, "--arch", arch, "--json", "--root", root)
    assert (there.returncode, here.returncode) == (0, 0), there.stderr
    assert containers == []
    assert f"{name} (sha256:" in there.stdout
    assert _without_name(there.stdout) == _without_name(here.stdout)


def test_an_image_that_nobody_has_is_a_sentence(engine: Any, package: Path) -> None:
    assert engine.ping()
    done = check(package, "--image", "127.0.0.1:1/nowhere:latest", "--arch", "arm64")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the image can't be had for arm64, ")
    assert "\nhint: is its name right" in done.stderr


def test_no_engine_is_a_sentence(package: Path, tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/nobody.sock"
    done = check(package, "--image", "runtime:1", DOCKER_HOST=host)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: no container engine answers: ")
    assert "DOCKER_HOST" in done.stderr.splitlines()[-1]


def _without_name(text: str) -> Any:
    """The report without what the runtime is called."""
    surveys = json.loads(text)
    return json.loads(text.replace(_runtime(surveys), "runtime"))


def _runtime(found: Any) -> str:
    """The first name of a runtime in a report."""
    match found:
        case {"runtime": str(name)}:
            return name
        case dict():
            return next(filter(None, map(_runtime, found.values())), "")
        case list():
            return next(filter(None, map(_runtime, found)), "")
        case _:
            return ""
