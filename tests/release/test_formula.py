"""Homebrew's formula: Ruby that says the addresses and the hashes of the very files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.install.conftest import ROOT
from tests.release.conftest import VERSION, Released
from tests.requirements import require

HOME = "https://example.org/shim"
READER = Path(__file__).with_name("read_formula.rb")


@pytest.fixture(scope="module")
def said(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the formula says when Ruby runs it in a folder where the wheel lies."""
    require(shutil.which("ruby") is not None, "ruby is not installed")
    folder = tmp_path_factory.mktemp("formula")
    written = folder / "shim.rb"
    recipe: list[str | Path] = [
        sys.executable,
        ROOT / "build" / "formula.py",
        released.files,
        "--home",
        HOME,
    ]
    subprocess.run([*recipe, "--output", written], check=True)
    shutil.copy(released.wheel("lambda_shim"), folder)
    command: list[str | Path] = ["ruby", "-w", READER, written]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_it_names_the_files_of_the_release(said: Any, released: Released) -> None:
    resources = {one["name"]: one for one in said["resources"]}
    for name, stanza in {
        "lambda_shim": said,
        "lambda_shim_launchers": resources["lambda-shim-launchers"],
    }.items():
        wheel = released.wheel(name)
        assert stanza["url"] == f"{HOME}/releases/download/v{VERSION}/{wheel.name}"
        assert stanza["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_it_has_the_source_of_all_that_shim_needs_as_locked(said: Any) -> None:
    locked = (ROOT / "requirements" / "image.txt").read_text()
    others = [one for one in said["resources"] if one["name"] != "lambda-shim-launchers"]
    for one in others:
        assert one["url"].endswith(".tar.gz")
        assert f"--hash=sha256:{one['sha256']}" in locked
    project = (ROOT / "pyproject.toml").read_text()
    (needed,) = re.findall(r"^dependencies = \[(.*)\]$", project, flags=re.MULTILINE)
    assert set(re.findall(r'"([a-z-]+)', needed)) <= {one["name"] for one in others}


def test_it_installs_all_resources_and_then_the_wheel(said: Any, released: Released) -> None:
    names = [one["name"] for one in said["resources"]]
    assert said["done"] == [
        ["create", "/libexec", "python3.13"],
        ["pip_install", names],
        ["pip_install_and_link", released.wheel("lambda_shim").name],
    ]
    assert "python@3.13" in said["depends_on"]
    assert said["tested"]


def test_the_template_names_no_place() -> None:
    template = (ROOT / "packages" / "homebrew" / "shim.rb").read_text()
    assert "://" not in template


def test_a_folder_without_a_release_is_told(tmp_path: Path) -> None:
    recipe: list[str | Path] = [
        sys.executable,
        ROOT / "build" / "formula.py",
        tmp_path,
        "--home",
        HOME,
    ]
    done = subprocess.run(
        [*recipe, "--output", os.devnull], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: not one file `lambda_shim-*.whl`, but 0: ")
