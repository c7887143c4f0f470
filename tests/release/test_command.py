"""What `scripts/release` refuses before it builds anything."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.install.conftest import copy_tree
from tests.release.conftest import BUILT, commit_all, make_release
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone whose checks have passed, as a `gh` of ours says."""
    folder = tmp_path_factory.mktemp("clone")
    tree, gh = copy_tree(folder / "tree"), folder / "bin" / "gh"
    commit_all(tree)
    gh.parent.mkdir()
    gh.write_text("#!/bin/sh\necho 'tests: success'\n")
    gh.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{gh.parent}{os.pathsep}{os.environ['PATH']}")
        yield tree


@pytest.mark.parametrize("version", ["1.2.3rc1", "v1.2.3", "1.02.3"])
def test_a_version_has_three_numbers(tree: Path, version: str) -> None:
    done = make_release(tree, version, "--dry-run")
    assert done.returncode == 2
    assert f"releases have three numbers, as 0.2.0 has: {version}" in done.stderr


def test_files_that_are_there_are_not_written_over(tree: Path, tmp_path: Path) -> None:
    done = make_release(tree, "1.2.3", "--dry-run", f"--output={tmp_path}")
    assert done.returncode == 1
    assert done.stderr == f"error: there is something already: {tmp_path}\n"


@pytest.mark.parametrize("told", [None, "0" * 64])
def test_launchers_that_no_container_gave_are_not_released(
    tree: Path, tmp_path: Path, told: str | None
) -> None:
    built = all((BUILT / f"full-{arch}").exists() for arch in Arch)
    require(built, "the full launchers are not built: `build/launchers.py --flavour full`")
    folder = tmp_path / "launchers"
    folder.mkdir()
    for arch in Arch:
        shutil.copy(BUILT / f"full-{arch}", folder)
        if told:
            facts = {"launchers": {f"full-{arch}": told}}
            (folder / f"BUILDINFO-{arch}").write_text(json.dumps(facts))
    done = make_release(tree, "1.2.3", launchers=folder)
    assert done.returncode == 1
    assert "error: the full launcher for x86_64 was not built in a container: " in done.stderr
    assert not (tree / "dist").exists()
