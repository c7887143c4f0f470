"""`shim run --in container`: functions in images of Debian's releases, by a real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.emulate.image import LABEL, container_engine
from shim.emulate.leftovers import owner
from shim.emulate.machine import required_host_arch
from tests.check.oracle.roots import RELEASES
from tests.command import TREE, Command
from tests.container.images import scratch_image
from tests.emulate.test_cli_run import NO_RIGHTS, post, require_prefix, served_url
from tests.plan.builders import zipped
from tests.systems.test_systems import shim_on
from tests.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
BULLSEYE = "debian-bullseye"
HOST_ARCH = required_host_arch()
OTHER_ARCH = next(arch for arch in Arch if arch != HOST_ARCH)
FACTS = """#!/bin/sh
exec >&2 2>&1
echo "$(id -u):$(id -g) in $PWD on $(uname -m) with Debian $(cat /etc/debian_version)"
stat -c '%a %u:%g %n' /var/task /var/task/* /opt /opt/*
for path in / /var/task/ /opt/ /etc/ /tmp/; do touch ${path}x && echo "written: $path"; done
cat /var/task/secret
env | sed 's/^/has /'
exit 3
"""
LEAVE = """
import sys, time
from pathlib import Path
from tests.emulate.test_in_container import left
with left(Path(sys.argv[1]), sys.argv[2]) as label:
    print(label, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def command(cache: Path, tmp_path: Path) -> Iterator[Command]:
    command = Command(name="run", cache=cache, folder=tmp_path / "tmp")
    with command.opened():
        yield command


@pytest.fixture
def image(runtime_image: Callable[[str, Arch], str]) -> str:
    """The older release, for which this machine can't be taken."""
    return runtime_image(BULLSEYE, HOST_ARCH)


def script(folder: Path, text: str, **files: str) -> Path:
    """A package whose `bootstrap` is that, for one who may read nothing but that."""
    folder.mkdir()
    for name, content in {"bootstrap": text, **files}.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o755 if name == "bootstrap" else 0o600)
    return folder


def labelled(engine: Any, label: str) -> list[Any]:
    found: list[Any] = engine.api.containers(all=True, filters={"label": f"{LABEL}={label}"})
    return found


@pytest.mark.parametrize("arch", list(Arch))
@pytest.mark.parametrize("runtime", RELEASES)
def test_a_package_for_both_answers_in_each_image(
    runtime: str,
    arch: Arch,
    runtime_image: Callable[[str, Arch], str],
    command: Command,
    dual_package: Path,
) -> None:
    name = runtime_image(runtime, arch)
    words = (dual_package, "--handler", "x", "--in", "container", "--image", name, "--arch", arch)
    done = command.run(*words, "--json", event="{}")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["answers"][0]["machine"] == arch.machine
    assert said["architecture"] == arch
    assert said["notes"][0].startswith(f"the system is that of the image {name} (sha256:")
    assert f"note: {said['notes'][0]}\n" in done.stderr


def test_the_function_sees_the_images_system_and_lambdas_folders(
    image: str, command: Command, tmp_path: Path
) -> None:
    package = script(tmp_path / "package", FACTS, secret="secret")  # noqa: S106 - it is none
    layer = zipped(tmp_path / "layer.zip", {"tool": b"tool"})
    done = command.run(
        package, "--image", image, "--layer", layer, "--env", "TABLE=a=b c", event="{}"
    )
    assert done.returncode == 1, done.stderr
    log = done.stderr.splitlines()
    assert any(
        line.startswith(f"993:990 in /var/task on {HOST_ARCH.machine} with Debian 11.")
        for line in log
    )
    modes = [line for line in log if " 0:0 " in line][:5]
    assert modes[1:] == [
        "755 0:0 /var/task/bootstrap",
        "600 0:0 /var/task/secret",
        "755 0:0 /opt",
        "755 0:0 /opt/tool",
    ]
    for path in ("/x", "/var/task/x", "/opt/x", "/etc/x"):
        assert f"touch: cannot touch '{path}': Read-only file system" in log
    assert {line for line in log if line.startswith("written")} == {"written: /tmp/"}
    assert "cat: /var/task/secret: Permission denied" in log
    variables = dict(line[4:].split("=", 1) for line in log if line.startswith("has "))
    assert variables["TABLE"] == "a=b c"
    assert variables["PATH"] == "/usr/local/bin:/usr/bin/:/bin:/opt/bin"
    assert not {"HOME", "HOSTNAME", "SHLVL", "MARK"} & variables.keys()


@pytest.mark.parametrize(
    "kind", ["answers", "own libraries", "fails", "other architecture", "evil"]
)
def test_it_comes_to_the_same_as_on_this_machine(
    kind: str, image: str, command: Command, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    files = {
        "answers": {"bootstrap": functions[HOST_ARCH].read_bytes()},
        # On the way to the emulator nothing may take them for its own.
        "own libraries": {
            "bootstrap": functions[HOST_ARCH].read_bytes(),
            "lib/libc.so.6": b"no library",
        },
        "fails": {"bootstrap": b"#!/bin/sh\necho why >&2\nexit 3\n"},
        "other architecture": {"bootstrap": functions[OTHER_ARCH].read_bytes()},
        "evil": {"../bootstrap": b""},
    }[kind]
    package = zipped(tmp_path / "p.zip", files)
    words = (package, "--handler", "x", "--arch", HOST_ARCH, "--repeat", "2")
    here = command.run(*words, "--in", "machine", event="{}")
    there = command.run(*words, "--in", "container", "--image", image, event="{}")
    assert (there.returncode, there.stdout) == (here.returncode, here.stdout)
    notes = [line for line in there.stderr.splitlines() if line.startswith("note: the system is")]
    assert len(notes) == (kind != "evil")
    assert [line for line in there.stderr.splitlines() if line not in notes] == [
        line for line in here.stderr.splitlines() if not line.startswith("note: ")
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_no_container_and_no_volume_is_left(
    number: signal.Signals,
    engine: Any,
    image: str,
    command: Command,
    emulator: Path,
    functions: dict[Arch, Path],
    tmp_path: Path,
) -> None:
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[HOST_ARCH].read_bytes()})
    own = replace(command, cache=tmp_path / "cache")
    process = own.start(package, "--handler", "x", "--image", image, "--rie", emulator)
    url = served_url(process)
    assert json.loads(post(url, "1"))["machine"] == HOST_ARCH.machine
    (mark,) = (own.cache / "containers").iterdir()
    (running,) = labelled(engine, mark.name)
    volumes = {one["Name"] for one in running["Mounts"] if one["Type"] == "volume"}
    assert len(volumes) == 3
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert out == ""
    wait_until(lambda: not labelled(engine, mark.name), seconds=60)
    wait_until(lambda: not volumes & {one.name for one in engine.volumes.list()}, seconds=60)


@contextmanager
def left(folder: Path, image: str) -> Iterator[str]:
    """With a container that is never started, as between two steps of a start; gives its label."""
    with container_engine() as engine, owner(engine, folder) as label:
        engine.fill(engine.find_image(image, HOST_ARCH), BytesIO(bytes(10240)), (), mark=label)
        yield label


def test_what_the_killed_have_left_is_removed_by_the_next(
    engine: Any, image: str, tmp_path: Path
) -> None:
    """And what the living have is not."""
    words = [sys.executable, "-c", LEAVE, str(tmp_path), image]
    environment = {**os.environ, "PYTHONPATH": f"{TREE}{os.pathsep}{ROOT}"}
    processes = [
        subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        dead, living = [(one.stdout and one.stdout.readline().strip()) or "" for one in processes]
        assert [len(labelled(engine, label)) for label in (dead, living)] == [1, 1]
        processes[0].kill()
        processes[0].wait()
        with container_engine() as own, owner(own, tmp_path):
            assert [len(labelled(engine, label)) for label in (dead, living)] == [0, 1]
    finally:
        for one in processes:
            one.kill()
            one.communicate()
        with container_engine() as own, owner(own, tmp_path):
            pass
    assert labelled(engine, living) == []


def test_on_a_mac_it_is_what_run_does(
    image: str,
    cache: Path,
    functions: dict[Arch, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    monkeypatch.setenv("SHIM_CACHE", str(cache))
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[HOST_ARCH].read_bytes()})
    words = ("run", package, "--handler", "x", "--image", image, "--event", "{}")
    done = shim_on("darwin", words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["machine"] == HOST_ARCH.machine


def place_by_default(
    *prefix: str, place: str | None = None, system: str = "linux", **variables: str
) -> str:
    """Where functions start for one who has the rights of `prefix`: its engine's CPU, or None."""
    code = (
        "import sys\nfrom contextlib import ExitStack\nfrom shim.cli.place import _find_engine\n"
        "from shim.errors import ShimError\n"
        "with ExitStack() as stack:\n"
        f"    try: engine = _find_engine({place!r}, stack, has_images=False, system={system!r})\n"
        "    except ShimError as error: sys.exit(f'{error.message}; {error.hint}')\n"
        "    print(engine and engine.arch)"
    )
    done = subprocess.run(
        [*prefix, sys.executable, "-c", code],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_default_is_this_machine_or_else_an_engine(engine: Any) -> None:
    assert engine.ping()
    nobody = {"DOCKER_HOST": "unix:///nobody"}
    require_prefix(NO_RIGHTS)
    assert place_by_default(system="darwin") == f"{HOST_ARCH}\n"
    assert place_by_default(*NO_RIGHTS) == f"{HOST_ARCH}\n"
    assert place_by_default(*NO_RIGHTS, place="machine") == "None\n"
    assert place_by_default() == "None\n"
    assert place_by_default(*NO_RIGHTS, **nobody) == "None\n", "a temporary folder does"
    for system, name in (("darwin", "macOS"), ("win32", "Windows")):
        said = place_by_default(system=system, **nobody)
        assert said.startswith("no container engine answers: ")
        assert f"which {name} starts in containers; start one (Docker, Podman, " in said
        here = place_by_default(system=system, place="machine")
        assert here.startswith(f"`--in machine` starts Linux programs, and this is {name}; ")
    assert place_by_default(place="container", **nobody).startswith("no container engine answers: ")


def test_an_image_without_a_shell_is_told(
    engine: Any, command: Command, functions: dict[Arch, Path], tmp_path: Path
) -> None:
    package = zipped(tmp_path / "p.zip", {"bootstrap": functions[HOST_ARCH].read_bytes()})
    name = f"shim-test-empty:{uuid.uuid4().hex}"
    scratch_image(engine, name, arch=HOST_ARCH, files={"file": b""})
    try:
        done = command.run(package, "--handler", "x", "--image", name, event="{}")
        assert engine.api.containers(all=True, filters={"ancestor": name}) == []
    finally:
        engine.images.remove(name, force=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"error: no container can be started of {name}: ")
    assert "/bin/sh" in done.stderr
