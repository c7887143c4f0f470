"""A layer with the launcher and one with a real extension, under the emulator, on both."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.command import run_shim
from tests.requirements import require_runs

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.usefixtures("lean_launchers")


@pytest.fixture(scope="session")
def layers(extension_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What `shim layer` and `shim extension` make."""
    folder = tmp_path_factory.mktemp("layers")
    made = [folder / "launcher.zip", folder / "audit.zip"]
    programs = [extension_programs / arch / "audit" for arch in Arch]
    options: list[str | Path] = ["--x86-64", programs[0], "--arm64", programs[1], "-o", made[1]]
    for done in (run_shim("layer", "-o", made[0]), run_shim("extension", "audit", *options)):
        assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("arch", Arch)
def test_both_layers_start_beside_a_package_that_has_no_bootstrap(
    arch: Arch, go_programs: Path, layers: list[Path], tmp_path: Path
) -> None:
    require_runs(arch)
    package = tmp_path / "package"
    package.mkdir()
    for each in Arch:
        target = package / f"hello{each.suffix}"
        target.write_bytes((go_programs / each / "hello").read_bytes())
        target.chmod(0o755)
    event = tmp_path / "event.json"
    event.write_text('{"name": "you"}')
    options: list[str | Path] = ["--handler", "hello", "--arch", arch, "--event", event]
    done = run_shim("run", package, "--layer", layers[0], "--layer", layers[1], *options)
    assert done.returncode == 0, done.stderr
    goarch = "amd64" if arch is Arch.X86_64 else "arm64"
    assert json.loads(done.stdout)["goarch"] == goarch
    path = f"/opt/.extensions/{arch.machine}/audit"
    assert f"extension audit: registered, status 200, on {goarch}, {path}\n" in done.stderr
    assert "extension audit: INVOKE\n" in done.stderr
    assert "extension audit: SHUTDOWN\n" in done.stderr


@pytest.mark.parametrize("arch", Arch)
def test_shared_handlers_in_the_layer_answer(arch: Arch, go_programs: Path, tmp_path: Path) -> None:
    require_runs(arch)
    layer, package, event = tmp_path / "l.zip", tmp_path / "package", tmp_path / "event.json"
    package.mkdir()
    event.write_text('{"name": "you"}')
    assert run_shim("layer", go_programs, "-o", layer).returncode == 0
    options: list[str | Path] = ["--handler", "hello", "--arch", arch, "--event", event]
    done = run_shim("run", package, "--layer", layer, *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["message"] == "Hello, you!"
