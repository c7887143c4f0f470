"""What `scripts/release --dry-run` makes: complete, installable, and described as it is."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from changelog import section
from shim.arch import Arch
from tests.install.conftest import ROOT
from tests.install.environment import Environment
from tests.release.conftest import BUILT, VERSION, Released

FULL = {arch: BUILT / f"full-{arch}" for arch in Arch}


@pytest.fixture(scope="module")
def environment(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A fresh one: what shim needs as it is locked, and shim from the release's files alone."""
    environment = Environment(tmp_path_factory.mktemp("e") / "environment", Path(sys.executable))
    environment.install("--require-hashes", "--requirement", ROOT / "requirements" / "image.txt")
    environment.install("--no-index", "--find-links", released.files, "lambda-shim[full]")
    return environment


def test_every_file_is_there_and_has_the_sum_that_is_told(released: Released) -> None:
    names = [path.name for path in released.files.iterdir()]
    assert sorted(names) == [
        "SHA256SUMS",
        f"lambda-shim-{VERSION}.cdx.json",
        f"lambda_shim-{VERSION}-py3-none-any.whl",
        f"lambda_shim-{VERSION}.tar.gz",
        f"lambda_shim_launchers-{VERSION}-py3-none-any.whl",
    ]
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    checked = subprocess.run(
        command, cwd=released.files, capture_output=True, text=True, check=True
    ).stdout
    assert checked.count(": OK") == len(names) - 1
    assert (released.files / "SHA256SUMS").read_text() in released.said + "\n"


def test_a_dry_run_leaves_the_repository_as_it_was(released: Released) -> None:
    def git(*words: str) -> str:
        command = ["git", *words]
        return subprocess.run(
            command, cwd=released.clone, capture_output=True, text=True, check=True
        ).stdout

    assert git("status", "--porcelain") == git("tag") == ""
    assert git("log", "--format=%s", "--all") == "All\n"
    assert len(git("worktree", "list").splitlines()) == 1


def test_it_says_what_a_release_would_be_refused_for(released: Released) -> None:
    assert "note: a release would be refused: GitHub can't be asked" in released.said
    for arch in Arch:
        assert f"the full launcher for {arch} was not built in a container" in released.said


def test_the_sources_have_the_version_and_its_changelog(released: Released) -> None:
    with tarfile.open(released.files / f"lambda_shim-{VERSION}.tar.gz") as archive:

        def read(name: str) -> str:
            file = archive.extractfile(f"lambda_shim-{VERSION}/{name}")
            assert file is not None
            return file.read().decode()

        assert f'__version__ = "{VERSION}"' in read("shim/__init__.py")
        changelog = read("CHANGELOG.md")
    heading = rf"^## Unreleased\n\n## {VERSION} - \d{{4}}-\d\d-\d\d$"
    assert re.search(heading, changelog, flags=re.MULTILINE)
    assert section(changelog, VERSION) == section((ROOT / "CHANGELOG.md").read_text(), "Unreleased")


def test_the_launchers_wheel_is_data_that_goes_with_one_version(released: Released) -> None:
    with zipfile.ZipFile(released.wheel("lambda_shim_launchers")) as wheel:
        data = [name for name in wheel.namelist() if ".dist-info/" not in name]
        assert data == [f"shim_launchers/{VERSION}/full-{arch}" for arch in sorted(Arch)]
        for arch in Arch:
            assert wheel.read(f"shim_launchers/{VERSION}/full-{arch}") == FULL[arch].read_bytes()
        metadata = wheel.read(f"lambda_shim_launchers-{VERSION}.dist-info/METADATA").decode()
    assert f"\nRequires-Dist: lambda-shim=={VERSION}\n" in metadata


def test_the_files_alone_pack_and_check_with_the_full_launcher(
    environment: Environment, programs: dict[Arch, Path], tmp_path: Path
) -> None:
    inputs = [f"orders={path}" for path in programs.values()]
    package = tmp_path / "orders.zip"
    environment.shim("pack", *inputs, "--flavour", "full", "-o", package)
    with zipfile.ZipFile(package) as packed:
        for arch in Arch:
            assert packed.read(f".shim/{arch.machine}") == FULL[arch].read_bytes()
    checked = json.loads(environment.shim("check", package, "--json"))
    assert checked["answer"] == "starts"
    environment.shim("layer", "-o", tmp_path / "layer.zip")
    with zipfile.ZipFile(tmp_path / "layer.zip") as layer:
        assert layer.read(".shim/x86_64") == FULL[Arch.X86_64].read_bytes()


def test_launchers_of_another_version_are_none(released: Released, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment", Path(sys.executable))
    environment.install("--no-deps", *released.files.glob("*.whl"))
    (folder,) = environment.folder.glob(f"lib/*/site-packages/shim_launchers/{VERSION}")
    folder.rename(folder.with_name("7.8.8"))
    code = "from shim.arch import Arch; from shim.package.launchers import best_flavour as best\n"
    code += "print(best([Arch.ARM64]))"
    assert environment.run(environment.python, "-c", code).stdout == "lean\n"


def test_the_sbom_lists_what_is_installed_and_what_is_linked(released: Released) -> None:
    text = (released.files / f"lambda-shim-{VERSION}.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    sbom = json.loads(text)
    parts = {part["name"].lower(): part for part in sbom["components"]}
    parts["lambda-shim"] = sbom["metadata"]["component"]
    for name in ("lambda-shim", "lambda-shim-launchers"):
        wheel = released.wheel(name.replace("-", "_")).read_bytes()
        (told,) = parts[name]["hashes"]
        assert told == {"alg": "SHA-256", "content": hashlib.sha256(wheel).hexdigest()}
        assert parts[name]["version"] == VERSION
    linked = {part["name"] for part in parts["lambda-shim-launchers"]["components"]}
    assert linked == {"cpython", "glibc", "nuitka"}
    (needed,) = (one for one in sbom["dependencies"] if one["ref"] == f"lambda-shim=={VERSION}")
    names = {ref.partition("==")[0] for ref in needed["dependsOn"]}
    assert names >= {"deflate", "filelock", "rich", "tree-sitter", "lambda-shim-launchers"}
