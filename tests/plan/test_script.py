"""The script of `aws` calls: clean for shellcheck, and run with an `aws` that records its calls."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.package.packages import code_sha256
from shim.package.read import read_package
from shim.plan.alias import AliasPlan, find_alias_plan
from shim.plan.plan import Plan
from shim.plan.script import aws_script
from shim.plan.search import whatever_starts
from shim.plan.step import UpdateCode, UpdateConfiguration
from tests.plan.builders import state, zipped
from tests.requirements import require

if TYPE_CHECKING:
    from shim.package.read import Package

ARN = "arn:aws:lambda:eu-west-1:123456789012:layer:agent:3"
FAKE = """#!/bin/sh
for word; do printf '%s\\0' "$word" >> "$CALLS"; done
printf '\\n\\0' >> "$CALLS"
case "$*" in
*CodeSha256*) cat "$FOLDER/sha256" ;;
*publish-layer-version*) echo arn:new:1 ;;
*publish-version*) echo 8 ;;
*FunctionError*) echo "${FAILED:-None}" ;;
*RevisionId*) echo r1 ;;
esac
"""

Call = list[str]


class World:
    """Packages in a folder with odd names, and an `aws` that only records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.old = self.package("old.zip", b"old")
        self.new = self.package("it's $new.zip", b"new")

    def package(self, name: str, data: bytes) -> Package:
        return read_package(zipped(self.folder / name, {"bootstrap": data}))

    def run(self, script: str, **variables: str) -> tuple[list[Call], int]:
        """Run the script and return the calls without `lambda`, and its exit status."""
        (self.folder / "sha256").write_text(f"{code_sha256(self.old)}\n")
        (self.folder / "bin").mkdir(exist_ok=True)
        fake = self.folder / "bin" / "aws"
        fake.write_text(FAKE)
        fake.chmod(0o755)
        calls = self.folder / "calls"
        calls.write_text("")
        path = f"{fake.parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "CALLS": str(calls), "FOLDER": str(self.folder), **variables}
        done = subprocess.run(["sh", "-c", script], env=environment, check=False)
        lines = calls.read_text().split("\n\0")
        return [line.split("\0")[:-1] for line in lines[:-1]], done.returncode


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def checked(script: str) -> str:
    """The script, which shellcheck has nothing against."""
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    require(program is not None, "shellcheck is not installed")
    command = [program or "", "-"]
    done = subprocess.run(command, input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    return script


def names(calls: list[Call]) -> list[str]:
    """Each call's name, or that of what it waits for; what only reads is left out."""
    shown = [" ".join(call[1:3]) if call[1] == "wait" else call[1] for call in calls]
    return [name for name in shown if name != "get-function-configuration"]


def option(call: Call, name: str) -> str:
    return call[call.index(name) + 1]


def test_the_calls_go_out_in_the_plans_order_each_after_the_last_took_hold(world: World) -> None:
    layer = world.package("layer.zip", b"l")
    published = world.package("published.zip", b"p")
    plan = Plan(
        begin=state(world.old),
        steps=(
            UpdateCode(package=world.new, arch=Arch.ARM64),
            UpdateConfiguration(
                runtime=read_runtimes()["provided.al2023"],
                handler="it's/$HOME",
                layers=(layer, published),
                environment=(("A", 'a "b" $c `d` \\ é'), ("B", "line\nbreak")),
            ),
            UpdateConfiguration(layers=(), environment=()),
        ),
    )
    script = checked(aws_script(plan, name="orders", arns={published: ARN}))
    calls, status = world.run(script)
    assert status == 0
    assert names(calls) == [
        "publish-layer-version",
        "update-function-code",
        "wait function-updated-v2",
        "update-function-configuration",
        "wait function-updated-v2",
        "update-function-configuration",
        "wait function-updated-v2",
    ]
    updates = [call for call in calls if call[1].startswith("update-")]
    assert all(option(call, "--function-name") == "orders" for call in updates)
    assert all(option(call, "--revision-id") == "r1" for call in updates)
    code, configuration, last = updates
    assert option(code, "--zip-file") == f"fileb://{world.new.path}"
    assert option(code, "--architectures") == "arm64"
    assert option(configuration, "--handler") == "it's/$HOME"
    at = configuration.index("--layers")
    assert configuration[at + 1 : at + 3] == ["arn:new:1", ARN]
    environment = json.loads(option(configuration, "--environment"))
    assert environment == {"Variables": {"A": 'a "b" $c `d` \\ é', "B": "line\nbreak"}}
    assert (option(last, "--layers"), option(last, "--environment")) == ("[]", '{"Variables": {}}')


def test_another_package_than_the_plans_ends_the_script_before_its_first_call(
    world: World,
) -> None:
    step = UpdateCode(package=world.new, arch=Arch.ARM64)
    script = aws_script(Plan(begin=state(world.new), steps=(step,)), name="f", arns={})
    calls, status = world.run(checked(script))
    assert (names(calls), status) == ([], 1)


def test_a_package_too_large_for_a_direct_upload_goes_through_s3(world: World) -> None:
    large = replace(world.new, zipped=60 << 20)
    plan = Plan(
        begin=state(world.old),
        steps=(
            UpdateCode(package=large, arch=Arch.X86_64),
            UpdateConfiguration(layers=(replace(world.new, zipped=51 << 20, path="big.zip"),)),
        ),
    )
    script = checked(aws_script(plan, name="f", arns={}))
    calls, status = world.run(script, BUCKET="mine")
    assert status == 0
    (code,) = (call for call in calls if call[1] == "update-function-code")
    assert (option(code, "--s3-bucket"), option(code, "--s3-key")) == (
        *("mine", "shim/it-s--new.zip"),
    )
    assert ["s3", "cp", large.path, "s3://mine/shim/it-s--new.zip"] in calls
    (layer,) = (call for call in calls if call[1] == "publish-layer-version")
    assert option(layer, "--content") == "S3Bucket=mine,S3Key=shim/big.zip"
    assert world.run(script) == ([], 2)


def alias_plan(world: World) -> AliasPlan:
    begin = state(world.old)
    plan = find_alias_plan(
        begin,
        replace(begin, package=world.new),
        live=begin,
        alias="live",
        old_version="7",
        shares=(0.1,),
        code_sha256="hash=",
        answer=whatever_starts,
        day=None,
    )
    assert isinstance(plan, AliasPlan)
    return plan


def test_an_alias_moves_after_the_version_has_answered(world: World) -> None:
    script = checked(aws_script(alias_plan(world), name="f", arns={}))
    calls, status = world.run(script, PAUSE="0")
    assert status == 0
    assert names(calls) == [
        *("update-function-code", "wait function-updated-v2", "publish-version"),
        *("wait published-version-active", "invoke", "update-alias", "update-alias"),
    ]
    publish, invoke, first, last = (
        call for call in calls if call[1] in {"publish-version", "invoke", "update-alias"}
    )
    assert option(publish, "--code-sha256") == "hash="
    assert (option(invoke, "--qualifier"), option(invoke, "--payload")) == ("8", "{}")
    assert option(first, "--function-version") == "7"
    assert option(first, "--routing-config") == "AdditionalVersionWeights={8=0.1}"
    assert option(last, "--function-version") == "8"
    assert option(last, "--routing-config") == "AdditionalVersionWeights={}"
    assert "--function-version 7" in script.partition("The way back")[2]


def test_a_version_that_fails_gets_no_traffic(world: World) -> None:
    script = aws_script(alias_plan(world), name="f", arns={})
    calls, status = world.run(script, FAILED="Unhandled")
    assert status == 1
    assert "update-alias" not in names(calls)
