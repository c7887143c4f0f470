"""Builds the examples with their own scripts, once for all tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.requirements import require

EXAMPLES = Path(__file__).parents[2] / "examples"
LAMBDA_PATH = "/usr/local/bin:/usr/bin:/bin:/opt/bin"


@pytest.fixture(scope="session")
def go_programs(go: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `examples/go/build` makes."""
    return _build("go", tmp_path_factory.mktemp("go") / "out", GO=go)


@pytest.fixture(scope="session")
def extension_programs(go: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `examples/extension/build` makes."""
    return _build("extension", tmp_path_factory.mktemp("extension") / "out", GO=go)


@pytest.fixture(scope="session")
def python_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `examples/python/build` makes, for the Python that `shim run` will find."""
    found = shutil.which("python3", path=LAMBDA_PATH)
    require(found is not None, f"no python3 in Lambda's PATH: {LAMBDA_PATH}")
    out = tmp_path_factory.mktemp("python") / "out"
    return _build("python", out, PYTHON=sys.executable)


def _build(example: str, out: Path, **variables: str) -> Path:
    script = EXAMPLES / example / "build"
    environment = os.environ | variables | {"OUT": str(out)}
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out
