"""Bridges on disk: the same bytes each time, whole or not at all, and never of changed packages."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import shim
from shim.check.verdicts import Verdicts
from shim.errors import InputError
from shim.package.read import read_package
from shim.plan.bridge.planning import Bridged, find_bridged_plan, written
from tests.check.builders import launcher, program
from tests.plan.builders import state, zipped
from tests.requirements import require
from tests.wait import wait_until

if TYPE_CHECKING:
    from shim.check.state import State

pytestmark = pytest.mark.usefixtures("lean_launchers")


def renamed(folder: Path, *, size: int = 1000) -> tuple[State, State]:
    """A handler renamed together with its package, which has `size` bytes of other files."""
    ballast = random.Random(1).randbytes(size)
    old = {"bootstrap": launcher(), "old": program(), "a.bin": ballast}
    new = {"bootstrap": launcher(), "bin/new": program(), "b.bin": ballast}
    return (
        state(read_package(zipped(folder / "old.zip", old)), handler="old"),
        state(read_package(zipped(folder / "new.zip", new)), handler="bin/new"),
    )


def found(begin: State, wanted: State, folder: Path) -> Bridged:
    answer = find_bridged_plan(
        begin,
        wanted,
        verdicts=Verdicts(),
        day=None,
        folder=folder,
    )
    assert isinstance(answer, Bridged)
    return answer


def build(folder: Path) -> str:
    with written(found(*renamed(folder), folder), verdicts=Verdicts()) as bridged:
        (bridge,) = bridged.used
        data = Path(bridge.package.path).read_bytes()
    return hashlib.sha256(data).hexdigest()


def write_and_fail(folder: Path) -> None:
    with written(found(*renamed(folder), folder), verdicts=Verdicts()):
        assert "bridge.zip" in names(folder)
        raise KeyboardInterrupt


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_same_packages_give_the_same_bytes_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    assert len({build(tmp_path), build(tmp_path), build(tmp_path / "elsewhere")}) == 1


def test_a_folder_can_be_bridged_as_its_zip_can(tmp_path: Path) -> None:
    begin, wanted = renamed(tmp_path)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(tmp_path / "old.zip") as archive:
        archive.extractall(folder)
    for path in folder.iterdir():
        path.chmod(0o755)
    from_folder = state(read_package(folder), handler="old")
    digests = []
    for one in (begin, from_folder):
        with written(found(one, wanted, tmp_path), verdicts=Verdicts()):
            digests.append((tmp_path / "bridge.zip").read_bytes())
    assert digests[0] == digests[1]


def test_what_is_written_reads_as_it_was_planned(tmp_path: Path) -> None:
    planned = found(*renamed(tmp_path), tmp_path)
    with written(planned, verdicts=Verdicts()) as bridged:
        shapes = [
            [(one.name, one.kind, one.mode, one.size) for one in bridge.package.entries]
            for side in (planned, bridged)
            for bridge in side.used
        ]
        assert shapes[0] == shapes[1]
        assert bridged.plan.states[1].package is bridged.used[0].package
        assert bridged.plan.wanted == planned.plan.wanted


def test_a_failure_after_it_takes_the_bridge_away_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path)
    assert names(tmp_path) == {"old.zip", "new.zip"}


def test_a_bridge_that_was_there_before_stays_when_something_fails(tmp_path: Path) -> None:
    build(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(tmp_path)
    assert "bridge.zip" in names(tmp_path)


def test_a_package_that_changes_before_it_is_packed_is_refused(tmp_path: Path) -> None:
    planned = found(*renamed(tmp_path), tmp_path)
    # The same names, sizes and offsets in the zip: only the bytes tell.
    data = (tmp_path / "new.zip").read_bytes()
    other = random.Random(2).randbytes(1000)
    zipped(tmp_path / "new.zip", {"bootstrap": launcher(), "bin/new": program(), "b.bin": other})
    assert len(data) == (tmp_path / "new.zip").stat().st_size
    with (
        pytest.raises(
            InputError, match=r"its CRC-32 is .*, and the zip says .*: `.*new\.zip!/b\.bin`"
        ),
        written(planned, verdicts=Verdicts()),
    ):
        pass
    assert names(tmp_path) == {"old.zip", "new.zip"}


@pytest.mark.parametrize("content", [b"", b"PK", b"\0" * 5000])
def test_a_package_that_is_no_zip_any_more_is_refused(tmp_path: Path, content: bytes) -> None:
    planned = found(*renamed(tmp_path), tmp_path)
    (tmp_path / "new.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"new\.zip!/"), written(planned, verdicts=Verdicts()):
        pass
    assert names(tmp_path) == {"old.zip", "new.zip"}


def test_a_bridge_never_takes_the_place_of_a_package(tmp_path: Path) -> None:
    begin, wanted = renamed(tmp_path)
    answer = find_bridged_plan(
        begin,
        wanted,
        verdicts=Verdicts(),
        day=None,
        folder=tmp_path / ".",
        name="new",
    )
    assert isinstance(answer, Bridged)
    before = (tmp_path / "new.zip").read_bytes()
    with (
        pytest.raises(InputError, match="would take the place of what it is made of"),
        written(answer, verdicts=Verdicts()),
    ):
        pass
    assert (tmp_path / "new.zip").read_bytes() == before


def command(folder: Path) -> list[str]:
    """`shim plan` for the packages of `renamed`."""
    settings = {"Runtime": "provided.al2023", "Handler": "old", "FunctionName": "f"}
    (folder / "f.json").write_text(json.dumps(settings))
    files = ["--from", str(folder / "f.json"), "--from-package", str(folder / "old.zip")]
    wanted = ["--package", str(folder / "new.zip"), "--handler", "bin/new"]
    return [sys.executable, "-m", "shim", "plan", *files, *wanted]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(shim.__file__).parents[1])}


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    require(os.geteuid() == 0 and bool(shutil.which("unshare")), "a small disk takes root")
    renamed(tmp_path, size=300_000)
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=100k none "$1" && cd "$1" && shift && "$@"; echo $?; ls -A'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", small, *command(tmp_path)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "3\n"
    assert done.stderr == ("error: can't write the file, No space left on device: `f-bridge.zip`\n")


def test_a_run_that_is_killed_half_way_leaves_nothing(tmp_path: Path) -> None:
    renamed(tmp_path, size=12_000_000)
    out = tmp_path / "out"
    out.mkdir()
    process = subprocess.Popen(command(tmp_path), cwd=out, env=environment())
    try:
        wait_until(lambda: _writes_into(process.pid, out), seconds=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert names(out) == set()


def _writes_into(pid: int, folder: Path) -> bool:
    """Whether the process has begun with a file in the folder that has no name yet."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            is_there = str(descriptor.readlink()).startswith(f"{folder}/")
            if is_there and descriptor.stat().st_size > 0:
                return True
        except FileNotFoundError:
            continue
    return False
