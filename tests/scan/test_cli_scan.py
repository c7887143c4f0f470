"""`shim scan` as it is typed, on the served control plane, to which boto3 itself talks."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shim.cli.main import main
from shim.deploy.folder import find_folders
from shim.plan.plan import Plan
from shim.scan.saved import read_functions
from tests.aws.wire.server import WireFault
from tests.aws.wire.user import User, parts
from tests.cli.test_json import check_convention
from tests.scan.account import add_foreign, fill
from tests.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.wire.server import Cloud

ON_ARM64 = ["--runtime", "provided.al2023", "--arch", "arm64"]


@pytest.fixture
def here(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The account, and a folder for downloads and for what is written."""
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    fill(cloud.account(), tmp_path / "zips")
    add_foreign(cloud.account(), tmp_path / "zips")
    return tmp_path


def scanned(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """What a scan prints as JSON."""
    assert main(["scan", *words, "--json"]) in {0, 1}
    return check_convention(capsys.readouterr().out)


def by_name(scan: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in scan["functions"]}


@pytest.mark.usefixtures("here")
def test_a_scan_says_who_owns_and_who_invokes_a_function(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scan = scanned(capsys, "dual", "launcher", "go", *ON_ARM64)
    found = by_name(scan)
    assert found["dual"]["owner"] == {"tool": "SAM", "name": "shop", "tag": "lambda:createdBy"}
    assert {(one["kind"], one["qualifier"]) for one in found["dual"]["callers"]} == {
        ("event source", "live"),
        ("URL", "live"),
        ("permission", "live"),
    }
    assert [one["qualifier"] for one in found["launcher"]["callers"]] == ["$LATEST"]
    assert found["go"]["callers"][0]["who"] == "everybody"
    assert found["go"]["updatesBlocked"] == "2027-03-03"
    assert found["dual"]["outlooks"][0]["calls"] == ["code (arm64)", "configuration (runtime)"]


@pytest.mark.usefixtures("here")
def test_functions_on_other_runtimes_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    scan = scanned(capsys, "--no-callers")
    assert len(scan["functions"]) == 20
    assert scan["others"] == [
        {"runtime": "container image", "functions": 1},
        {"runtime": "python3.12", "functions": 1},
    ]


def test_nothing_of_the_environment_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--html", "scan.html", "--csv", "scan.csv"]
    assert main(["scan", "dual", "--no-callers", "--json", *files]) == 0
    told = (
        capsys.readouterr().out + (here / "scan.html").read_text() + (here / "scan.csv").read_text()
    )
    assert "dual" in told
    assert "secret" not in told


def test_a_saved_scan_is_judged_anew_without_an_account(
    here: Path, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = scanned(capsys, "dual", "agent-*", "go", *ON_ARM64)
    (here / "scan.json").write_text(json.dumps(scan))
    asked = len(cloud.calls)
    again = scanned(capsys, "--from", "scan.json", *ON_ARM64)
    assert len(cloud.calls) == asked
    assert by_name(again) == by_name(scan)


def test_what_the_command_line_of_aws_lists_is_taken(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    listed = boto3.client("lambda").list_functions()
    (here / "functions.json").write_text(json.dumps(listed))
    words = ["--from", "functions.json", "dual", "go"]
    unknown = by_name(scanned(capsys, *words))
    assert unknown["dual"]["outlooks"][0]["answer"] == "unknown"
    assert unknown["dual"]["outlooks"][0]["against"][0]["message"] == "its package is not at hand"
    found = by_name(scanned(capsys, *words, "--packages", "zips"))
    assert found["dual"]["outlooks"][0]["answer"] == "starts"
    assert found["go"]["outlooks"][0]["answer"] == "doesn't start"


def test_one_function_is_taken_as_get_function_prints_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    got = boto3.client("lambda").get_function(FunctionName="dual")
    (here / "dual.json").write_text(json.dumps(got))
    (here / "configuration.json").write_text(json.dumps(got["Configuration"]))
    assert read_functions(here / "dual.json").functions[0].owner
    scan = scanned(capsys, "--from", "configuration.json", "--packages", "zips")
    assert by_name(scan)["dual"]["outlooks"][0]["answer"] == "starts"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("columns", [60, 120])
def test_a_scan_is_readable_on_any_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")  # for rich: this is a terminal
    assert main(["scan", "dual", "launcher", "--no-callers", *ON_ARM64]) == 1
    lines = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= columns
    told = " ".join(" ".join(lines).split())
    assert "build anew orders for arm64" in told
    assert "SAM shop" in told


@pytest.mark.usefixtures("here")
def test_a_throttled_call_is_sent_again(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    for operation in ("ListFunctions", "GetFunction", "GetPolicy", "ListAliases"):
        cloud.faults += [
            WireFault(operation=operation, error="TooManyRequestsException"),
            WireFault(operation=operation),
        ]
    found = by_name(scanned(capsys, "dual"))
    assert found["dual"]["outlooks"][0]["answer"] == "starts"
    assert len(found["dual"]["callers"]) == 3


@pytest.mark.usefixtures("here")
def test_the_policy_is_enough_and_what_is_missing_of_it_is_said(
    cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["scan", "agent-bot[h]", "--arch", "arm64", "--json"]
    assert main([*words, "--iam"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert not cloud.calls
    user = User(cloud, monkeypatch)
    for action, less in parts(document):
        user.may(less)
        assert main(words) in {0, 1, 3}
        assert action in "".join(capsys.readouterr())
    user.may(document)
    assert main(words) == 0
    (function,) = json.loads(capsys.readouterr().out)["functions"]
    assert function["problems"] == []


def test_every_function_that_is_ready_gets_a_deployment_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["scan", "dual", "agent-both", "launcher", "--no-callers", *ON_ARM64, "-o", "made"]
    for _ in range(2):  # what is there already stays
        assert main(words) == 1
        assert "2 deployment folders" in capsys.readouterr().err
    found = {one.path.name: one.read() for one in find_folders([here / "made"])}
    assert set(found) == {"dual", "agent-both"}
    assert found["dual"].target.arn.endswith(":function:dual")
    plan = found["agent-both"].plan
    assert isinstance(plan, Plan)
    assert [step.CALL for step in plan.steps] == [
        "UpdateFunctionCode",
        "UpdateFunctionConfiguration",
    ]
    assert plan.begin.environment == (("PASSWORD", "secret"),)
    (arn,) = found["agent-both"].arns.values()
    assert arn.endswith(":layer:agent-both:1")


@pytest.mark.usefixtures("here")
def test_what_a_scan_writes_is_carried_out_and_then_nothing_is_left(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.speed = 20
    assert main(["layer", "-o", "launcher.zip"]) == 0
    words = ["scan", "go", "agent-both", "native", "--no-callers", "--launcher", "launcher.zip"]
    assert main([*words, "-o", "made"]) == 0
    assert main(["deploy", "made", "--yes"]) == 0
    capsys.readouterr()
    scan = by_name(scanned(capsys, *words[1:]))
    assert {one["outlooks"][0]["standing"] for one in scan.values()} == {"there already"}
    assert {one["runtime"] for one in scan.values()} == {"provided.al2023"}


def test_a_saved_scan_is_not_enough_for_a_deployment(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan = scanned(capsys, "dual", "--no-callers")
    (here / "scan.json").write_text(json.dumps(scan))
    assert main(["scan", "--from", "scan.json", "-o", "made"]) == 0
    assert "its environment above all" in capsys.readouterr().out
    assert not (here / "made").exists()


@pytest.mark.usefixtures("here")
def test_several_regions_are_one_scan(
    cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(cloud.account(region="us-east-1"), tmp_path / "zips")
    scan = scanned(capsys, "dual", "--no-callers", "--region", "eu-west-1", "--region", "us-east-1")
    regions = [one["arn"].split(":")[3] for one in scan["functions"]]
    assert regions == ["eu-west-1", "us-east-1"]


@pytest.mark.usefixtures("here")
def test_a_region_that_cannot_be_read_takes_nothing_from_the_others(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    regions = ["--region", "us-east-1", "--region", "eu-west-1"]
    cloud.faults.append(
        WireFault(operation="ListFunctions", error="InvalidParameterValueException")
    )
    assert main(["scan", "dual", "--no-callers", *regions, "--json"]) == 3
    scan = check_convention(capsys.readouterr().out)
    assert scan["problems"][0].startswith("us-east-1: ListFunctions: InvalidParameterValue")
    assert list(by_name(scan)) == ["dual"]


def test_an_interrupted_scan_says_what_it_knows(here: Path, cloud: Cloud) -> None:
    words = [sys.executable, "-m", "shim", "scan", "--json"]
    with subprocess.Popen(
        words, env=os.environ, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: "GetPolicy" in cloud.calls, seconds=60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    scan = check_convention(out)
    assert scan["isComplete"] is False
    assert len(scan["functions"]) == 20


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--from", "x.json", "--region", "eu-west-1"], "can't go along with --region"),
        (["--packages", "zips"], "go with --from"),
        (["-o", "made", "--arch", "arm64", "--arch", "x86_64"], "to one place"),
        (["--runtime", "python3.12"], "not an OS-only runtime"),
        (["--from", "x.json", "--layer", "agent.zip"], "not ARN=ZIP"),
    ],
)
def test_what_cannot_be_is_refused(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", *words]) == 2
    assert problem in capsys.readouterr().err
