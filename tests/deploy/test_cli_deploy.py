"""`shim deploy` and `shim rollback` against a control plane that is served: boto3 talks to it."""

from __future__ import annotations

import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from shim.arch import Arch
from shim.aws.api import Alias, Configuration
from shim.cli.main import main
from shim.deploy.folder import PLAN, RECORD
from tests.aws.wire.account import QUICK
from tests.aws.wire.server import WireFault
from tests.aws.wire.user import User, parts
from tests.cli.test_json import check_convention
from tests.command import TREE
from tests.plan.worlds import NAME, World
from tests.wait import wait_until

if TYPE_CHECKING:
    from shim.simulate.control import ControlPlane
    from tests.aws.wire.account import Function
    from tests.aws.wire.server import Cloud

VALUE = "nobody-may-see-it"
AT_ONCE = replace(QUICK, update=(0.0, 0.0), publish=(0.0, 0.0))
CHANGE = [
    "--function",
    NAME,
    "--package",
    "made/arm64.zip",
    "--arch",
    "arm64",
    "--handler",
    "bills",
]
FOLDER = f"{NAME}.deployment"


def change_of(name: str) -> list[str]:
    """The same change, of another function."""
    return [name if word == NAME else word for word in CHANGE]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "made").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    return World(folder=tmp_path / "made")


@pytest.fixture
def slow(cloud: Cloud) -> Cloud:
    """In which an update takes a second."""
    return cloud


@pytest.fixture
def function(cloud: Cloud, world: World, request: pytest.FixtureRequest) -> Function:
    """One in an account, with a variable that is nobody's business."""
    if "slow" not in request.fixturenames:
        cloud.timing = AT_ONCE
    return cloud.account().create(NAME, replace(world.state, environment=(("TOKEN", VALUE),)))


def state(plane: ControlPlane) -> tuple[Arch, str]:
    now = plane.get_function(NAME)
    return now.arch, now.handler


OLD, NEW = (Arch.X86_64, "orders"), (Arch.ARM64, "bills")


def shim(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    printed = capsys.readouterr()
    assert VALUE not in printed.out + printed.err
    return status, printed.out, printed.err


def record(folder: str = FOLDER) -> list[dict[str, Any]]:
    text = Path(folder, RECORD).read_text()
    assert VALUE not in text
    return [json.loads(line) for line in text.splitlines()]


def has_recorded(event: str) -> bool:
    """Whether another process has come so far."""
    path = Path(FOLDER, RECORD)
    return path.exists() and f'"event": "{event}"' in path.read_text()


def changing(cloud: Cloud) -> list[str]:
    """The calls that were sent and change something; a dry run has the same name as its call."""
    return [call for call in cloud.calls if call.startswith(("Update", "Publish"))]


def test_a_function_is_deployed_and_brought_back(
    cloud: Cloud, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = shim(capsys, "deploy", *CHANGE, "--yes")
    assert (status, state(function.plane)) == (0, NEW), err
    assert "2 calls; every state on the way starts" in out
    assert f"{FOLDER}: changed, 2 calls" in out
    assert "call 1 of 2: UpdateFunction" in err
    events = [(one["event"], one.get("call")) for one in record()]
    assert [event for event, _ in events] == ["begin", *["call", "answer"] * 2, "end"]
    assert {call for _, call in events if call} == {
        *("UpdateFunctionCode", "UpdateFunctionConfiguration")
    }

    before = len(changing(cloud))
    status, out, _ = shim(capsys, "deploy", *CHANGE, "--yes")
    assert (status, len(changing(cloud))) == (0, before)
    assert f"{FOLDER}: nothing to do" in out

    status, out, err = shim(capsys, "rollback", FOLDER, "--yes")
    assert (status, state(function.plane)) == (0, OLD), err
    status, out, _ = shim(capsys, "rollback", FOLDER, "--yes", "--json")
    assert status == 0
    assert check_convention(out)["deployments"][0]["ending"] == "nothing to do"


def test_a_saved_plan_is_carried_out_by_its_folder(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shim(capsys, "plan", *CHANGE, "--output", "plan.json")[0] == 0
    status, out, _ = shim(capsys, "deploy", "plan.json", "--yes", "--json")
    assert (status, state(function.plane)) == (0, NEW)
    assert check_convention(out)["counts"]["changed"] == 1
    assert Path("plan.deployment", PLAN).exists()
    Path("made", "arm64.zip").unlink()
    assert shim(capsys, "deploy", "plan.json", "--yes")[1].endswith("nothing to do\n")


def test_a_saved_plan_is_carried_out_from_where_it_was_moved_to(
    function: Function, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("work/plans").mkdir(parents=True)
    shutil.copytree("made", "work/made")
    with monkeypatch.context() as there:
        there.chdir("work")
        assert shim(capsys, "plan", *CHANGE, "--output", "plans/plan.json")[0] == 0
    Path("work").rename("elsewhere")
    status, _, err = shim(capsys, "deploy", "elsewhere/plans/plan.json", "--yes")
    assert (status, state(function.plane)) == (0, NEW), err


def test_a_dry_run_prints_every_call_and_sends_none(
    cloud: Cloud, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["deploy", *CHANGE, "--env", "STAGE=prod", "--dry-run"]
    status, out, _ = shim(capsys, *words, "--json")
    assert status == 0
    calls = check_convention(out)["calls"]
    assert {call["call"] for call in calls} == {"UpdateFunctionCode", "UpdateFunctionConfiguration"}
    configuration = next(one["parameters"] for one in calls if "Handler" in one["parameters"])
    assert configuration["Environment"] == {"Variables": {"STAGE": "***", "TOKEN": "***"}}
    assert changing(cloud) == ["UpdateFunctionCode"], "the one that AWS itself calls a dry run"
    status, out, _ = shim(capsys, *words)
    assert "UpdateFunctionCode {" in out
    assert state(function.plane) == OLD


@pytest.mark.usefixtures("function")
def test_without_a_terminal_yes_has_to_be_said(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = shim(capsys, "deploy", *CHANGE)
    assert (status, "2 calls" in out) == (2, True)
    assert "hint: say so: `--yes`" in err
    assert changing(cloud) == ["UpdateFunctionCode"]


def test_who_owns_the_function_is_asked_for(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    function.tags |= {"aws:cloudformation:stack-name": "shop", "lambda:createdBy": "SAM"}
    status, _, err = shim(capsys, "deploy", *CHANGE, "--yes")
    assert (status, state(function.plane)) == (1, OLD)
    assert "belongs to SAM shop, which would put it back" in err
    assert shim(capsys, "deploy", *CHANGE, "--yes", "--despite-owner")[0] == 0
    assert state(function.plane) == NEW
    assert shim(capsys, "rollback", FOLDER, "--yes")[0] == 1


def test_what_somebody_else_changed_is_never_overwritten(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shim(capsys, "plan", *CHANGE, "--output", "plan.json")[0] == 0
    change = Configuration(environment=(("TOKEN", VALUE), ("NEW", "by hand")))
    now = function.plane.get_function(NAME)
    function.plane.update_configuration(NAME, change, revision=now.revision)
    status, _, err = shim(capsys, "deploy", "plan.json", "--yes")
    assert (status, state(function.plane)) == (1, OLD)
    assert "somebody else changed the function" in err
    assert "environment (NEW)" in err
    assert "by hand" not in err


def test_another_change_needs_another_folder(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shim(capsys, "deploy", *CHANGE, "--yes")[0] == 0
    status, _, err = shim(capsys, "deploy", "--function", NAME, "--handler", "orders", "--yes")
    assert (status, "for another change" in err) == (2, True)
    words = ("deploy", "--function", NAME, "--handler", "orders", "--yes", "--into", "other")
    assert shim(capsys, *words)[0] == 0
    assert state(function.plane) == (Arch.ARM64, "orders")


def started(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "shim", *words]
    environment = os.environ | {"PYTHONPATH": TREE}
    return subprocess.Popen(
        command, text=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.usefixtures("slow")
def test_a_killed_one_goes_on_by_the_same_command(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    with started("deploy", *CHANGE, "--yes") as killed:
        wait_until(lambda: has_recorded("answer"), seconds=60)
        killed.kill()
    assert killed.returncode == -signal.SIGKILL
    assert state(function.plane) not in {OLD, NEW}
    sent = len(record())
    status, out, _ = shim(capsys, "deploy", *CHANGE, "--yes")
    assert (status, state(function.plane)) == (0, NEW)
    assert "call 1 has taken hold already" in out
    assert [one["event"] for one in record()[sent:]] == ["begin", "call", "answer", "end"]


@pytest.mark.usefixtures("slow")
def test_ctrl_c_ends_after_the_call_in_flight(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    with started("deploy", *CHANGE, "--yes") as running:
        wait_until(lambda: has_recorded("answer"), seconds=60)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, "interrupted" in out) == (130, True), err
    assert "Traceback" not in err
    assert [one["event"] for one in record()] == ["begin", "call", "answer", "end"]
    assert record()[-1]["problem"] == "interrupted"
    assert shim(capsys, "deploy", FOLDER, "--yes")[0] == 0
    assert state(function.plane) == NEW


def test_a_call_that_isnt_allowed_is_told_before_anything_is_touched(
    cloud: Cloud, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.faults = [WireFault(operation="UpdateFunctionCode", error="AccessDeniedException")]
    status, _, err = shim(capsys, "deploy", *CHANGE, "--yes")
    assert (status, state(function.plane)) == (3, OLD)
    assert "hint: it takes the permission lambda:UpdateFunctionCode" in err
    assert not Path(FOLDER, RECORD).exists()


def aliased(function: Function) -> None:
    plane = function.plane
    now = plane.get_function(NAME)
    plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    plane.aliases.put(Alias(name="live", version="1"))


def test_traffic_on_an_alias_moves_and_goes_back(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    aliased(function)
    status, out, err = shim(capsys, "deploy", *CHANGE, "--alias", "live", "--yes")
    assert (status, "changed" in out) == (0, True), err
    assert function.plane.get_alias(NAME, "live").version == "2"
    status, out, err = shim(capsys, "rollback", FOLDER, "--yes")
    assert (status, state(function.plane)) == (0, OLD), err
    assert "UpdateAlias (live, all to version 1)" in out
    assert function.plane.get_alias(NAME, "live").version == "1"


def test_an_alias_that_somebody_else_moved_is_not_taken_back(
    cloud: Cloud, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    aliased(function)
    assert shim(capsys, "deploy", *CHANGE, "--alias", "live", "--yes")[0] == 0
    plane = function.plane
    now = plane.get_function(NAME)
    plane.update_configuration(NAME, Configuration(handler="other"), revision=now.revision)
    cloud.sleep(2)
    now = plane.get_function(NAME)
    plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    moved = replace(plane.get_alias(NAME, "live"), version="3")
    plane.update_alias(NAME, moved)
    status, out, _ = shim(capsys, "rollback", FOLDER, "--yes")
    assert (status, plane.get_alias(NAME, "live").version) == (1, "3")
    assert "$LATEST stays as it is" in out
    assert "somebody else moved the alias live: it is on version 3" in out


def test_many_are_carried_out_and_one_that_fails_stops_no_other(
    cloud: Cloud, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.timing = AT_ONCE
    for number in range(6):
        cloud.account().create(f"f{number}", world.state)
        words = [*change_of(f"f{number}"), "--output", f"plans/{number}.json"]
        Path("plans").mkdir(exist_ok=True)
        assert main(["plan", *words]) == 0
        main(["deploy", f"plans/{number}.json", "--into", f"plans/{number}", "--dry-run"])
    plane = cloud.account().functions["f3"].plane
    change = Configuration(handler="other")
    plane.update_configuration("f3", change, revision=plane.get_function("f3").revision)
    capsys.readouterr()
    status, out, err = shim(capsys, "deploy", "plans", "--yes", "--json")
    assert status == 1, err
    found = check_convention(out)
    assert found["counts"] == {
        "changed": 5,
        "unchanged": 0,
        "failed": 1,
        "interrupted": 0,
        "notBegun": 0,
    }
    assert "somebody else" in next(one for one in found["deployments"] if one["problem"])["problem"]
    status, out, _ = shim(capsys, "deploy", "plans", "--yes", "--canary", "2")
    assert status == 1
    assert "5 nothing to do, 1 failed" in out
    # The fourth of them fails: nobody is asked, and nothing follows.
    status, out, _ = shim(capsys, "deploy", "plans", "--yes", "--canary", "4")
    assert status == 1
    assert "3 nothing to do, 1 failed, 2 not begun" in out
    status, out, _ = shim(
        capsys, "deploy", "plans", "--yes", "--canary", "4", "--abort-on-failures", "2"
    )
    assert status == 1
    assert "5 nothing to do, 1 failed" in out


def test_the_printed_policy_is_enough_and_each_action_of_it_is_needed(
    cloud: Cloud,
    function: Function,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aliased(function)
    user = User(cloud, monkeypatch)
    assert shim(capsys, "plan", *CHANGE, "--alias", "live", "--output", "plan.json")[0] == 0
    commands = ("deploy", "plan.json"), ("rollback", "plan.deployment")
    for words, other, end in zip(commands, reversed(commands), (NEW, OLD), strict=True):
        if words[0] == "rollback":
            assert shim(capsys, *other, "--yes")[0] == 0
        least = json.loads(shim(capsys, *words, "--iam")[1])
        for action, less in parts(least):
            user.may(less)
            if action == "lambda:ListTags":
                assert "that takes lambda:ListTags" in shim(capsys, *words)[1]
                continue
            status, out, err = shim(capsys, *words, "--yes")
            assert status != 0, action
            assert f"it takes the permission {action}" in out + err
            for name, value in cloud.environment().items():
                monkeypatch.setenv(name, value)
            assert shim(capsys, *other, "--yes")[0] == 0
        user.may(least)
        assert shim(capsys, *words, "--yes")[0] == 0
        assert state(function.plane) == end


def test_callers_policy_lets_them_invoke_the_alias_and_not_what_is_being_changed(
    cloud: Cloud,
    function: Function,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aliased(function)
    user = User(cloud, monkeypatch)
    assert shim(capsys, "plan", *CHANGE, "--alias", "live", "--output", "plan.json")[0] == 0
    user.may(json.loads(shim(capsys, "deploy", "plan.json", "--iam-consumers")[1]))
    api = boto3.Session().client("lambda")
    assert api.invoke(FunctionName=NAME, Qualifier="live")["StatusCode"] == 200
    for others in ({}, {"Qualifier": "$LATEST"}, {"Qualifier": "1"}):
        with pytest.raises(ClientError, match="perform: lambda:InvokeFunction on"):
            api.invoke(FunctionName=NAME, **others)


@pytest.mark.usefixtures("function")
def test_without_an_alias_callers_can_not_be_held_to_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, _, err = shim(capsys, "deploy", *CHANGE, "--iam-consumers")
    assert status == 2
    assert f"no alias is moved, so callers can't be held to one: {NAME}" in err


def test_what_is_too_large_for_a_call_goes_over_s3_by_the_printed_policy(
    cloud: Cloud,
    function: Function,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with zipfile.ZipFile(world.packages[Arch.ARM64].path, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("ballast", random.Random(1).randbytes(51 << 20))
    user = User(cloud, monkeypatch)
    status, _, err = shim(capsys, "deploy", *CHANGE, "--yes")
    assert (status, "`--s3-bucket BUCKET`" in err) == (2, True)
    words = ("deploy", FOLDER, "--yes", "--s3-bucket", "uploads")
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="uploads")
    assert "keeps no versions" in shim(capsys, *words)[2]
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    s3.put_public_access_block(Bucket="uploads", PublicAccessBlockConfiguration=blocks)
    least = shim(capsys, *words, "--iam")[1]
    user.may(json.loads(least))

    status, _, err = shim(capsys, *words)
    assert (status, state(function.plane)) == (0, NEW), err
    assert "uploading arm64.zip to S3" in err
    assert len(s3.list_object_versions(Bucket="uploads")["Versions"]) == 1


def test_where_the_account_is_busy_the_look_before_the_first_call_is_taken_again(
    cloud: Cloud, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = "TooManyRequestsException"
    cloud.faults = [WireFault(operation="UpdateFunctionCode", error=busy)]
    status, out, err = shim(capsys, "deploy", *CHANGE, "--dry-run")
    assert status == 0, err
    assert "2 calls" in out
    assert "trying again in " in err
    assert state(function.plane) == OLD


def answered(answer: str, *words: str) -> tuple[int, str]:
    """The exit status, and all that a terminal shows, of a command that is given an answer."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "shim", *words]
    environment = os.environ | {"PYTHONPATH": TREE, "TERM": "xterm"}
    with subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as running:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # EIO: nobody has it open any more
            while piece := os.read(ours, 4096):
                if b"[y/N]" in piece:
                    os.write(ours, f"{answer}\n".encode())
                shown += piece
    os.close(ours)
    return running.returncode, shown.decode()


def test_on_a_terminal_it_asks_and_shows_many_in_a_table(
    cloud: Cloud, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.timing = AT_ONCE
    for number in range(2):
        cloud.account().create(f"f{number}", world.state)
        words = (*change_of(f"f{number}"), "--into", f"plans-{number}", "--dry-run")
        assert shim(capsys, "deploy", *words)[0] == 0
    status, shown = answered("n", "deploy", "plans-0")
    assert (status, "carry this out? [y/N]" in shown) == (1, True)
    assert not Path("plans-0", RECORD).exists()
    status, shown = answered("y", "deploy", "plans-0", "plans-1")
    assert (status, "2 deployments" in shown) == (0, True)
    assert "on their way" in shown
    assert "2 changed" in shown


def test_a_network_that_comes_late_is_waited_for(
    cloud: Cloud, function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shim(capsys, "deploy", *CHANGE, "--dry-run")[0] == 0
    cloud.faults = [WireFault(operation="GetFunction")] * 2
    status, _, err = shim(capsys, "deploy", FOLDER, "--yes")
    assert (status, state(function.plane)) == (0, NEW), err
    assert err.count("trying again in ") >= 2


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--function", NAME, "--package", "other.zip"), "--package"),
        (("--share", "0.1"), "--share"),
        (("--no-layers",), "--no-layers"),
    ],
)
@pytest.mark.usefixtures("world")
def test_what_a_plan_says_already_is_never_left_out_in_silence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], option: str
) -> None:
    Path("plan.json").write_text("{}")
    status, _, err = shim(capsys, "deploy", "plan.json", *words, "--yes")
    assert (status, err.splitlines()[0]) == (
        2,
        f"error: what is named has all that {option} would say",
    )


@pytest.mark.usefixtures("world")
def test_shares_are_an_aliass(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = shim(capsys, "deploy", "--function", NAME, "--share", "0.1", "--yes")
    assert (status, err) == (2, "error: --share is for traffic on an alias: `--alias NAME`\n")
