"""A deployment folder holds all that a deployment takes, is private, and whole or told as half."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.deploy.folder import PLAN, RECORD, ZIPS, DeploymentFolder, find_folders, make_folder
from shim.document import encode
from shim.errors import InputError, MachineError
from shim.package.packages import code_sha256
from shim.plan.document import as_document
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode
from shim.plan.target import Target
from tests.command import TREE
from tests.plan.worlds import NAME, World
from tests.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{NAME}"


def now() -> datetime:
    return datetime(2026, 11, 28, tzinfo=UTC)


def plan_of(world: World) -> Plan:
    step = UpdateCode(package=world.packages[Arch.ARM64], arch=Arch.ARM64)
    return Plan(begin=world.state, steps=(step,))


def document_of(world: World) -> dict[str, Any]:
    target = Target(name=NAME, arn=ARN, revision="r1")
    return as_document(plan_of(world), verdicts=Verdicts(), day=None, target=target)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "made").mkdir()
    return World(folder=tmp_path / "made")


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def test_it_has_the_plan_and_all_zips_and_nobody_else_can_read_it(
    world: World, tmp_path: Path
) -> None:
    folder = make_folder(tmp_path / "deployment", document_of(world))
    with folder.at_work(now) as record:
        record.write("begin")
    deployment = folder.read()
    assert deployment.target == Target(name=NAME, arn=ARN, revision="r1")
    assert (deployment.target.region, deployment.target.account) == ("eu-west-1", "123456789012")
    assert isinstance(deployment.plan, Plan)
    hashes = [code_sha256(state.package) for state in deployment.plan.states]
    assert hashes == [code_sha256(state.package) for state in plan_of(world).states]
    names = sorted(Path(one).name for one in folder.path.rglob("*.zip"))
    assert names == ["arm64.zip", "x86_64.zip"], "layers are published by their files' names"
    assert modes(folder.path) == {0o700, 0o600}


def test_it_can_be_moved_and_what_it_was_made_of_may_go(world: World, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "deployment", document_of(world))
    shutil.move(folder.path, tmp_path / "moved")
    shutil.rmtree(world.folder)
    assert DeploymentFolder(tmp_path / "moved").read().plan.steps


def test_downloads_take_no_room_of_their_own_and_everything_else_is_copied(
    world: World, tmp_path: Path
) -> None:
    document = document_of(world)
    download = world.folder / f"{'0' * 64}.zip"
    shutil.copy(document["packages"][0]["path"], download)
    download.chmod(0o600)
    document["packages"][0]["path"] = str(download)
    folder = make_folder(tmp_path / "deployment", document)
    links = {path.name: path.stat().st_nlink for path in folder.path.rglob("*.zip")}
    assert links == {download.name: 2, "arm64.zip": 1}


def test_a_zip_that_changed_is_not_taken_into_it(world: World, tmp_path: Path) -> None:
    document = document_of(world)
    Path(document["packages"][1]["path"]).write_bytes(b"another")
    with pytest.raises(InputError, match="has changed since the plan was made"):
        make_folder(tmp_path / "deployment", document)
    with pytest.raises(InputError, match="was never finished") as caught:
        DeploymentFolder(tmp_path / "deployment")
    assert caught.value.hint == "run the command again that makes it"


def test_a_folder_is_no_package(world: World, tmp_path: Path) -> None:
    document = document_of(world)
    document["packages"][1]["sha256"] = None
    with pytest.raises(InputError, match="only a zip can be uploaded"):
        make_folder(tmp_path / "deployment", document)


def test_nothing_that_is_there_is_overwritten(world: World, tmp_path: Path) -> None:
    make_folder(tmp_path / "deployment", document_of(world))
    with pytest.raises(InputError, match="there is a deployment already"):
        make_folder(tmp_path / "deployment", document_of(world))
    with pytest.raises(InputError, match="something else in it"):
        make_folder(world.folder, document_of(world))
    with pytest.raises(MachineError, match="No such file or directory"):
        make_folder(tmp_path / "none" / "deployment", document_of(world))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one.update(function=None), "which function it is for"),
        (lambda one: one["function"].pop("name"), "missing: `function.name`"),
        (lambda one: one["function"].update(name=""), "no function is named"),
        (lambda one: one["function"].update(besides=1), "unknown name 'besides'"),
        (lambda one: one["packages"][0].update(path="/etc/passwd"), r"packages\[0\]\.path"),
        (lambda one: one["packages"][0].update(path=f"{ZIPS}/../../a.zip"), "of this folder's own"),
        (lambda one: one["packages"][0].update(path=f"{ZIPS}/none.zip"), "No such file"),
    ],
)
def test_what_is_wrong_in_its_plan_is_told_with_its_place(
    world: World, tmp_path: Path, change: Callable[[Any], object], said: str
) -> None:
    folder = make_folder(tmp_path / "deployment", document_of(world))
    document = json.loads((folder.path / PLAN).read_text())
    change(document)
    (folder.path / PLAN).write_text(encode(document))
    with pytest.raises(InputError, match=said) as caught:
        folder.read()
    assert str(folder.path / PLAN) in caught.value.message


def test_all_folders_below_are_found_each_once(world: World, tmp_path: Path) -> None:
    top = tmp_path / "all"
    (top / "team").mkdir(parents=True)
    for name in ("b", "a", "team/c"):
        make_folder(top / name, document_of(world))
    found = find_folders([top / "b", top, top / "team" / ".." / "a"])
    assert [one.path.relative_to(top).as_posix() for one in found] == ["b", "a", "team/c"]
    with pytest.raises(InputError, match="no deployment folder at or below"):
        find_folders([world.folder])
    (top / "half" / ZIPS).mkdir(parents=True)
    with pytest.raises(InputError, match=r"never finished.*half"):
        find_folders([top])


MAKES = """
    import json, os, signal, sys
    from pathlib import Path
    from shim.deploy import folder
    left = int(sys.argv[3])
    def die(*_):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(lambda event, _: die() if event in {"os.mkdir", "os.rename", "open"} else None)
    folder.make_folder(Path(sys.argv[2]), json.loads(Path(sys.argv[1]).read_text()))
"""


def run(program: str, *words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, words)]
    environment = os.environ | {"PYTHONPATH": TREE}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment, **options
    )


def test_a_making_that_is_killed_is_gone_on_with(world: World, tmp_path: Path) -> None:
    (tmp_path / "document").write_text(json.dumps(document_of(world)))
    path = tmp_path / "deployment"
    statuses = [run(MAKES, tmp_path / "document", path, moments).returncode for moments in range(9)]
    assert set(statuses) == {-signal.SIGKILL}
    with pytest.raises(InputError, match=f"no {PLAN}"):
        DeploymentFolder(path)
    assert run(MAKES, tmp_path / "document", path, 1000).returncode == 0
    assert DeploymentFolder(path).read().plan.steps
    assert modes(path) == {0o700, 0o600}


HOLDS = """
    import sys
    from datetime import datetime
    from pathlib import Path
    from shim.deploy.folder import DeploymentFolder
    with DeploymentFolder(Path(sys.argv[1])).at_work(datetime.now) as record:
        record.write("begin")
        sys.stdin.read()
"""


def test_one_process_at_a_time_and_a_killed_one_holds_nothing(world: World, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "deployment", document_of(world))
    words = [sys.executable, "-c", textwrap.dedent(HOLDS), str(folder.path)]
    environment = os.environ | {"PYTHONPATH": TREE}
    with subprocess.Popen(words, stdin=subprocess.PIPE, env=environment) as other:
        wait_until((folder.path / RECORD).exists, seconds=60)
        with (
            pytest.raises(MachineError, match="another shim is at work"),
            folder.at_work(now),
        ):
            pass
        other.kill()
    with folder.at_work(now) as record:
        record.write("begin")


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / RECORD).read_text().splitlines()]


def test_the_record_is_added_to_and_half_a_line_goes_away(world: World, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "deployment", document_of(world))
    for event in ("begin", "call"):
        with folder.at_work(now) as record:
            record.write(event, call="UpdateFunctionCode")
        with (folder.path / RECORD).open("a") as file:
            file.write('{"format": 1, "event": "cu')
    with folder.at_work(now) as record:
        record.write("end")
    lines = (folder.path / RECORD).read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["begin", "call", "end"]
    assert list(json.loads(lines[1])) == ["format", "shim", "time", "event", "call"]


FILLS = """
    import sys
    from datetime import datetime
    from pathlib import Path
    from shim.deploy.folder import DeploymentFolder
    from shim.errors import MachineError
    with DeploymentFolder(Path(sys.argv[1])).at_work(datetime.now) as record:
        try:
            for number in range(1000):
                record.write("call", number=number)
        except MachineError as error:
            print(number, error.message)
"""


def test_a_full_disk_is_told_and_what_was_written_stays(world: World, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "deployment", document_of(world))

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))

    ended = run(FILLS, folder.path, preexec_fn=fill)
    number, _, said = ended.stdout.partition(" ")
    assert said.startswith("the record can't be written, File too large")
    with folder.at_work(now) as record:
        record.write("end")
    assert events(folder.path) == ["call"] * int(number) + ["end"]
