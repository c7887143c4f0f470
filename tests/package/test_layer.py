"""`shim layer` as it is typed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.package.launchers import Flavour, best_flavour, launcher_files
from tests.command import run_shim

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.usefixtures("lean_launchers", "workspace")


def layer(*words: str) -> subprocess.CompletedProcess[str]:
    return run_shim("layer", *words, "-o", "layer.zip")


def contents() -> dict[str, bytes]:
    with zipfile.ZipFile("layer.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_layer_starts_on_both_architectures_and_says_how_to_publish_it() -> None:
    done = layer()
    assert (done.returncode, done.stderr) == (0, "")
    flavour = best_flavour(tuple(Arch))
    assert done.stdout.startswith(f"layer.zip: {flavour} launcher for x86_64 and arm64; ")
    assert done.stdout.endswith(
        "aws lambda publish-layer-version --layer-name NAME --zip-file fileb://layer.zip \\\n"
        "    --compatible-architectures x86_64 arm64"
        " --compatible-runtimes provided.al2023 provided.al2\n"
    )
    files = contents()
    assert files.pop(".shim/manifest.json")
    assert files == launcher_files(tuple(Arch), flavour)


@pytest.mark.parametrize("arch", Arch)
def test_a_layer_for_one_architecture_is_native(arch: Arch) -> None:
    done = layer("--arch", arch, "--flavour", "lean", "--json")
    assert json.loads(done.stdout)["publishArguments"][:2] == ["--compatible-architectures", arch]
    assert contents()["bootstrap"] == launcher_files([arch], Flavour.LEAN)["bootstrap"]


def test_shared_handlers_and_files_go_along() -> None:
    done = layer("orders_x86_64", "orders_arm64", "--include", "etc/text=text.txt", "--json")
    assert list(json.loads(done.stdout)["handlers"]) == ["orders"]
    files = contents()
    assert files["orders_arm64"] == Path("orders_arm64").read_bytes()
    assert files["etc/text"] == b"text\n"


def test_full_is_taken_where_it_is_built_and_lean_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shim.package.launchers._FOLDER", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/full-arm64").touch()
    assert best_flavour([Arch.ARM64]) is Flavour.FULL
    assert best_flavour(tuple(Arch)) is Flavour.LEAN


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["text.txt"], "neither an ELF program nor"),
        (["orders_arm64", "--arch", "x86_64"], "`orders` lacks x86_64"),
        (["--include", "bootstrap=text.txt"], "the launcher's own path"),
        (["--include", "../x=text.txt"], "not a path in a package: `../x`"),
        (["--include", "/x=text.txt"], "not a path in a package: `/x`"),
    ],
)
def test_what_cannot_work_is_refused(words: list[str], sentence: str) -> None:
    before = sorted(Path().iterdir())
    done = layer(*words)
    assert (done.returncode, sentence in done.stderr) == (2, True), done.stderr
    assert sorted(Path().iterdir()) == before
