"""What `shim layer` makes, under the real emulator: `/opt/bootstrap` starts the handler."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.emulate.host import Host
from shim.emulate.session import Answer, Session
from shim.emulate.start import Start
from shim.package.launchers import Flavour, best_flavour
from tests.command import run_shim
from tests.requirements import require, require_runs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("lean_launchers")
ARCHES = pytest.mark.parametrize("arch", list(Arch))
FLAVOURS = pytest.mark.parametrize("flavour", list(Flavour))


def layer(output: Path, *words: str) -> Path:
    run_shim("layer", *words, "-o", output).check_returncode()
    return output


def require_flavour(flavour: Flavour) -> None:
    is_built = flavour is Flavour.LEAN or best_flavour(tuple(Arch)) is flavour
    require(is_built, "the full launchers are not built: `build/launchers.py --flavour full`")


def invoke(emulator: Path, package: Path, layer: Path, *, arch: Arch, handler: str) -> Answer:
    require_runs(arch)
    start = Start(package=package, layers=(layer,), handler=handler, arch=arch)
    with Session(start, place=Host(program=emulator), log=lambda _: None) as session:
        return session.invoke(b"{}")


@pytest.fixture
def package(functions: dict[Arch, Path], tmp_path: Path) -> Path:
    """A folder with the handler `orders` for both architectures, and no `bootstrap`."""
    folder = tmp_path / "package"
    folder.mkdir()
    for arch, program in functions.items():
        (folder / f"orders{arch.suffix}").write_bytes(program.read_bytes())
        (folder / f"orders{arch.suffix}").chmod(0o755)
    return folder


@ARCHES
@FLAVOURS
def test_one_layer_starts_the_packages_handler_on_both_architectures(
    arch: Arch, flavour: Flavour, emulator: Path, package: Path, tmp_path: Path
) -> None:
    require_flavour(flavour)
    made = layer(tmp_path / "layer.zip", "--flavour", flavour)
    answer = invoke(emulator, package, made, arch=arch, handler="orders")
    assert json.loads(answer.payload) == {
        "machine": arch.machine,
        "program": f"/var/task/orders{arch.suffix}",
    }


@ARCHES
def test_a_native_layer_starts_its_own_handler(
    arch: Arch, emulator: Path, functions: dict[Arch, Path], package: Path, tmp_path: Path
) -> None:
    made = layer(tmp_path / "layer.zip", f"bin/shared={functions[arch]}", "--arch", arch)
    answer = invoke(emulator, package, made, arch=arch, handler="bin/shared")
    assert json.loads(answer.payload)["program"] in {
        "/opt/bin/shared",
        f"/opt/bin/shared{arch.suffix}",
    }


@FLAVOURS
def test_a_layers_launcher_says_which_handler_is_missing(
    flavour: Flavour, emulator: Path, package: Path, tmp_path: Path
) -> None:
    require_flavour(flavour)
    made = layer(tmp_path / "layer.zip", "--flavour", flavour)
    answer = invoke(emulator, package, made, arch=Arch.X86_64, handler="ordres")
    assert answer.error_type == "Runtime.HandlerNotFound"
    # Only the full one, which layers get by default, knows what else there is.
    assert ("Nearest in the package: orders" in answer.error_message) == (flavour is Flavour.FULL)
