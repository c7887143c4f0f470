"""The script of `aws` calls: clean for shellcheck, run with versions 1 and 2 of the AWS CLI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from shim.arch import Arch
from shim.aws.api import Alias, Configuration, Invoked
from shim.check.state import State
from shim.deploy.executor import read_zip
from shim.package.packages import code_sha256
from shim.package.read import Package, read_package
from shim.plan.alias import AliasPlan, find_alias_plan
from shim.plan.plan import Plan
from shim.plan.script import aws_script
from shim.plan.search import whatever_starts
from shim.plan.step import UpdateCode, UpdateConfiguration
from tests.aws.wire.server import WireFault
from tests.check.builders import launcher, program
from tests.plan.builders import zipped
from tests.plan.worlds import AL2, AL2023
from tests.requirements import require

if TYPE_CHECKING:
    from shim.aws.api import Function
    from shim.plan.step import Step
    from shim.simulate.control import ControlPlane
    from tests.aws.wire.server import Cloud

NAME = "orders"
_NOTING = """#!/bin/sh
echo "$1 $2" >>{calls}
printf '%s\\0' "$@" >>{calls}.all
# Debian's is older than AWS_ENDPOINT_URL.
exec {aws} --endpoint-url "$AWS_ENDPOINT_URL" "$@"
"""
SECRETS = ("old secret 1", 'new "secret" $2 `d` \\ é', "third secret\nbreak\tand tab")


def cli(version: int) -> str:
    """The AWS CLI of that version: from PyPI, or from Debian."""
    path = Path(sys.executable).with_name("aws") if version == 1 else Path("/usr/bin/aws")
    require(path.exists(), f"the AWS CLI of version {version} is not there: {path}")
    said = subprocess.run([path, "--version"], capture_output=True, check=True).stdout
    require(said.startswith(b"aws-cli/%d." % version), f"not of version {version}: {path}")
    return str(path)


@dataclass(kw_only=True)
class World:
    """A function on the loopback, packages with odd names, and an `aws` that notes its calls."""

    folder: Path
    cloud: Cloud
    state: State
    new: Package

    @property
    def plane(self) -> ControlPlane:
        return self.cloud.account().functions[NAME].plane

    def change(self, **fields: Any) -> None:
        """Somebody else changes the function."""
        now = self.plane.get_function(NAME)
        self.plane.update_configuration(NAME, Configuration(**fields), revision=now.revision)
        self.cloud.sleep(9)

    def run(
        self, script: str, *, version: int = 1, shell: str = "sh", **variables: str
    ) -> tuple[list[str], int, str]:
        """Run the script; what `aws` was called with, the exit status, and standard error."""
        bin_folder, calls = self.folder / "bin", self.folder / "calls"
        bin_folder.mkdir(exist_ok=True)
        fake = bin_folder / "aws"
        fake.write_text(_NOTING.format(calls=quote(str(calls)), aws=quote(cli(version))))
        fake.chmod(0o755)
        calls.write_text("")
        environment = {
            **self.cloud.environment(),
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "TMPDIR": str(self.folder / "tmp"),
            **variables,
        }
        (self.folder / "tmp").mkdir(exist_ok=True)
        done = subprocess.run(
            [shell, "-c", script], env=environment, capture_output=True, text=True, check=False
        )
        assert list((self.folder / "tmp").iterdir()) == [], "nothing is left"
        seen = calls.with_suffix(".all").read_text()
        assert "secret" not in seen, "what others see"
        names = [line.removeprefix("lambda ") for line in calls.read_text().splitlines()]
        return names, done.returncode, done.stderr


def changing(calls: list[str]) -> list[str]:
    return [call for call in calls if call not in {"--version ", "get-function", "get-alias"}]


@pytest.fixture
def world(tmp_path: Path, cloud: Cloud) -> World:
    cloud.speed = 100.0
    files = {
        arch: {"bootstrap": launcher(arch), "orders": program(arch), "it's": program(arch)}
        for arch in Arch
    }
    old = read_package(zipped(tmp_path / "old.zip", files[Arch.X86_64]))
    new = read_package(zipped(tmp_path / "it's $new.zip", files[Arch.ARM64]))
    environment = (("AA", SECRETS[0]), ("LEVEL", "info"))
    state = State(
        package=old, arch=Arch.X86_64, runtime=AL2, handler="orders", environment=environment
    )
    cloud.account().create(NAME, state)
    return World(folder=tmp_path, cloud=cloud, state=state, new=new)


def plan_of(world: World, *steps: Step) -> Plan:
    to_arm64 = UpdateCode(package=world.new, arch=Arch.ARM64)
    return Plan(begin=world.state, steps=steps or (to_arm64,))


def checked(script: str) -> str:
    """The script, which shellcheck has nothing against."""
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    require(program is not None, "shellcheck is not installed")
    command = [program or "", "-"]
    done = subprocess.run(command, input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    return script


def script_of(plan: Plan | AliasPlan, arns: dict[Package, str] | None = None) -> str:
    return checked(aws_script(plan, name=NAME, arns=arns or {}))


def test_the_calls_go_out_in_the_plans_order_and_each_takes_hold(
    world: World, tmp_path: Path
) -> None:
    known = read_package(zipped(tmp_path / "known.zip", {"extensions/a": b"#!/bin/sh\n"}))
    layer = read_package(zipped(tmp_path / "it's layer.zip", {"extensions/b": b"#!/bin/sh\n"}))
    arn = world.cloud.account().add_layer("known", Path(known.path).read_bytes())
    plan = plan_of(
        world,
        UpdateCode(package=world.new, arch=Arch.ARM64),
        UpdateConfiguration(
            runtime=AL2023,
            handler="it's",
            layers=(layer, known),
            environment=(("AA", SECRETS[1]), ("BB", SECRETS[2])),
        ),
        UpdateConfiguration(layers=(), environment=()),
    )
    seen: list[Function] = []
    world.plane.on_change = lambda: seen.append(world.plane.get_function(NAME))
    calls, status, said = world.run(script_of(plan, {known: arn}))
    assert (status, said) == (0, "")
    assert changing(calls) == [
        "publish-layer-version",
        "update-function-code",
        "update-function-configuration",
        "update-function-configuration",
    ]
    code, configuration, last = seen
    assert (code.code_sha256, code.arch) == (code_sha256(world.new), Arch.ARM64)
    assert (configuration.runtime, configuration.handler) == (AL2023.name, "it's")
    assert configuration.layers[0].endswith(":layer:it-s-layer:1")
    assert configuration.layers[1] == arn
    assert configuration.environment == (("AA", SECRETS[1]), ("BB", SECRETS[2]))
    assert (last.layers, last.environment) == ((), ())


def test_what_somebody_changed_since_the_plan_ends_the_script_before_its_first_call(
    world: World,
) -> None:
    script = script_of(plan_of(world))
    arn = world.cloud.account().add_layer("one", Path(world.new.path).read_bytes())
    environment = (("AA", "another"), ("LEVEL", "info"))
    changes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("environment", {"environment": environment}),
        ("layers", {"layers": (arn,)}),
        ("handler", {"handler": "it's"}),
    )
    for field, changed in changes:
        # The first that differs is said.
        world.change(**changed)
        calls, status, said = world.run(script)
        assert (changing(calls), status) == ([], 1)
        assert said.startswith(f"somebody changed the {field} since this plan was made")
    revision = world.plane.get_function(NAME).revision
    world.plane.update_code(NAME, read_zip(world.new), arch=Arch.ARM64, revision=revision)
    assert "changed the package since" in world.run(script)[2]


def test_what_somebody_changes_half_way_ends_the_script_there(world: World) -> None:
    plan = plan_of(
        world,
        UpdateConfiguration(environment=(("AA", SECRETS[1]),)),
        UpdateCode(package=world.new, arch=Arch.ARM64),
    )
    world.plane.on_change = lambda: world.change(environment=(("AA", "another"),))
    calls, status, said = world.run(script_of(plan))
    assert (changing(calls), status) == (["update-function-configuration"], 1)
    assert "somebody changed the environment" in said


def test_a_call_that_comes_too_late_is_refused_for_its_revision(world: World) -> None:
    """Between the comparison and the call, nobody but the API can say it."""
    fault = WireFault(operation="UpdateFunctionCode", error="PreconditionFailedException")
    world.cloud.faults = [fault]
    calls, status, said = world.run(script_of(plan_of(world)))
    assert changing(calls) == ["update-function-code"]
    assert status != 0
    assert "PreconditionFailedException" in said
    assert world.plane.updates == []


def test_an_update_that_fails_ends_the_script_with_its_reason(world: World) -> None:
    world.plane.failing_update = "FunctionError.InvalidEntryPoint"
    _, status, said = world.run(script_of(plan_of(world)))
    assert status == 1
    assert "FunctionError.InvalidEntryPoint" in said
    assert "the update failed: the function runs what it did before" in said


def test_a_function_whose_last_update_failed_before_is_brought_on(world: World) -> None:
    world.plane.failing_update = "InternalError"
    world.change(handler=world.state.handler)
    calls, status, _ = world.run(script_of(plan_of(world)))
    assert (changing(calls), status) == (["update-function-code"], 0)


def test_another_cli_is_said_before_the_first_call(world: World, tmp_path: Path) -> None:
    (tmp_path / "aws").write_text("#!/bin/sh\necho aws-cli/3.0.0\n")
    (tmp_path / "aws").chmod(0o755)
    environment = {**world.cloud.environment(), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", script_of(plan_of(world))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "this takes the AWS CLI, version 1 or 2 (aws --version)\n"
    assert world.cloud.calls == []


def test_a_package_too_large_for_a_direct_upload_goes_through_s3(world: World) -> None:
    layer = read_package(zipped(world.folder / "big.zip", {"lib/a": b"a"}))
    plan = plan_of(
        world,
        UpdateCode(package=replace(world.new, zipped=60 << 20), arch=Arch.ARM64),
        UpdateConfiguration(layers=(replace(layer, zipped=51 << 20),)),
    )
    where = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration=where)
    calls, status, _ = world.run(script_of(plan), BUCKET="mine")
    assert status == 0
    assert [call for call in calls if call.startswith("s3")] == ["s3 cp", "s3 cp"]
    now = world.plane.get_function(NAME)
    assert now.code_sha256 == code_sha256(world.new)
    assert now.layers[0].endswith(":layer:big:1")
    assert world.run(script_of(plan))[:2] == ([], 2), "no bucket"


@pytest.fixture
def aliased(world: World) -> World:
    """With the alias `live`, on version 1."""
    now = world.plane.get_function(NAME)
    world.plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    world.cloud.sleep(9)
    world.plane.aliases.put(Alias(name="live", version="1"))
    return world


def alias_plan(world: World) -> AliasPlan:
    plan = find_alias_plan(
        world.state,
        replace(
            world.state,
            package=world.new,
            arch=Arch.ARM64,
            environment=(("AA", SECRETS[1]), ("BB", SECRETS[2])),
        ),
        live=world.state,
        alias="live",
        old_version="1",
        shares=(0.1,),
        code_sha256=code_sha256(world.new),
        answer=whatever_starts,
        day=None,
    )
    assert isinstance(plan, AliasPlan)
    return plan


@pytest.mark.parametrize(
    ("version", "shell"), [(1, "dash"), (2, "bash")], ids=["version 1", "version 2"]
)
def test_an_alias_moves_after_the_version_has_answered(
    aliased: World, version: int, shell: str
) -> None:
    events: list[tuple[str, bytes]] = []

    def answer(version: str, event: bytes) -> Invoked:
        events.append((version, event))
        return Invoked(error_type=None, payload=b"{}")

    aliased.plane.invoker = answer
    script = script_of(alias_plan(aliased))
    calls, status, said = aliased.run(
        script, version=version, shell=shell, PAUSE="0", EVENT='{"it\'s": "é"}'
    )
    assert (status, said) == (0, "{}")
    assert changing(calls) == [
        *("update-function-code", "update-function-configuration"),
        *("publish-version", "wait"),
        *("invoke", "update-alias", "update-alias"),
    ]
    assert events == [("2", '{"it\'s": "é"}'.encode())]
    alias = aliased.plane.aliases.get("live")
    assert (alias.version, alias.other_version) == ("2", None)
    published = aliased.plane.get_function(NAME, "live")
    assert published.environment == (("AA", SECRETS[1]), ("BB", SECRETS[2]))
    back = script.partition("# The way back:")[2].replace("#", "")
    assert aliased.run(back, version=version)[1] == 0
    assert aliased.plane.aliases.get("live").version == "1"


def test_a_version_that_fails_gets_no_traffic(aliased: World) -> None:
    failed = Invoked(error_type="Runtime.ExitError", payload=b'{"errorMessage": "status 1"}')
    aliased.plane.invoker = lambda *_: failed
    calls, status, said = aliased.run(script_of(alias_plan(aliased)))
    assert status == 1
    assert "update-alias" not in calls
    assert "status 1" in said
    assert "version 2 fails (Unhandled); no traffic has moved" in said


def test_an_alias_that_somebody_moved_ends_the_script_before_its_first_call(
    aliased: World,
) -> None:
    aliased.change(handler="it's")
    now = aliased.plane.get_function(NAME)
    aliased.plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    aliased.cloud.sleep(9)
    aliased.change(handler="orders")
    script = script_of(alias_plan(aliased))
    for moved in (
        Alias(name="live", version="1", other_version="2", other_weight=0.5),
        Alias(name="live", version="2"),
    ):
        aliased.plane.aliases.put(moved)
        calls, status, said = aliased.run(script)
        assert (changing(calls), status) == ([], 1)
        assert "somebody changed the alias live since" in said


def test_an_alias_that_somebody_moves_meanwhile_stays_where_it_is(aliased: World) -> None:
    def move(version: str, _: bytes) -> Invoked:
        aliased.plane.aliases.put(Alias(name="live", version=version))
        return Invoked(error_type=None, payload=b"{}")

    aliased.plane.invoker = move
    calls, status, said = aliased.run(script_of(alias_plan(aliased)))
    assert status != 0
    assert calls.count("update-alias") == 1
    assert "PreconditionFailedException" in said
