"""The projects that deploy the Go handlers, each by its tool, as its README has it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.command import run_shim
from tests.docs.pages import Session, read_parts, shows
from tests.examples.conftest import EXAMPLES
from tests.examples.tools import NO_TOOLS, install
from tests.served import served
from tests.templates.builders import reader
from tests.templates.facts import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGES = {
    "now": {"Architecture": "x86_64", "Layer": "audit-x86_64", "LayerArchitectures": "x86_64"},
    "dangerous": {"Architecture": "arm64", "Layer": "audit-arm64", "LayerArchitectures": "arm64"},
    "safe-1": {"Architecture": "x86_64", "Layer": "audit", "LayerArchitectures": "x86_64, arm64"},
    "safe-2": {"Architecture": "arm64", "Layer": "audit", "LayerArchitectures": "x86_64, arm64"},
}
BUILT = {
    "sam": ".aws-sam/{}/template.yaml",
    "cdk": "cdk.out.{}",
    "serverless": ".serverless.{}",
}
BY_HAND = Path(__file__).with_name("shop.yaml")
NO_STACK = b"""\
<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>
<Message>Stack with id shop-dev does not exist</Message></Error></ErrorResponse>"""
"""What CloudFormation answers to Serverless before the first deployment."""


@pytest.fixture(scope="session")
def shop(
    lean_launchers: None,  # noqa: ARG001 - is checked for
    go: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """What `examples/packages` makes."""
    folder = tmp_path_factory.mktemp("shop")
    path = f"{Path(go).parent}:{os.environ['PATH']}"
    environment = os.environ | {"GO": go, "PATH": path}
    subprocess.run([EXAMPLES / "packages"], cwd=folder, env=environment, check=True)
    return folder / "out"


@pytest.mark.parametrize("name", BUILT)
def test_a_project_comes_to_what_its_readme_and_the_template_by_hand_say(
    name: str, shop: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert request.config.cache is not None
    tools = install(name, request.config.cache.mkdir("projects"))
    project = copied(name, shop, tmp_path)
    with served(lambda _: (400, NO_STACK)) as address:
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "none")
        follow(project / "README.md", {**tools.environment(), **keys, "AWS_ENDPOINT_URL": address})
    shutil.copy(BY_HAND, project)
    for stage, parameters in STAGES.items():
        given = {**parameters, "HasAlias": "no" if name == "serverless" else "yes"}
        wanted = reader(tmp_path, parameters=given).read_one(project / BY_HAND.name)
        built = project / BUILT[name].format(stage)
        assert list(differences(reader(tmp_path).read_one(built), wanted)) == [], stage
    # As the tool leaves it; a package that isn't found would make it 1.
    left = project / BUILT[name].format("safe-2")
    assert run_shim("check", left, "--strict").returncode == 0


def test_plans_of_terraform_say_what_the_readme_shows(shop: Path, tmp_path: Path) -> None:
    project = copied("terraform", shop, tmp_path)
    follow(project / "README.md", NO_TOOLS.environment())


@pytest.mark.parametrize("patches", [("dangerous",), ("safe-1",), ("safe-1", "safe-2")])
def test_a_plan_of_terraform_is_that_of_the_patched_source(
    patches: tuple[str, ...], tmp_path: Path
) -> None:
    project = tmp_path / "terraform"
    shutil.copytree(EXAMPLES / "terraform", project)
    for patch in patches:
        words = ["patch", "-p1", "--input", f"{patch}.patch"]
        subprocess.run(words, cwd=project, capture_output=True, check=True)
    source = (project / "main.tf").read_text()
    said = dict(re.findall(r'^  (architecture|layer) += "(.*)"$', source, re.MULTILINE))
    plan = json.loads((project / f"{patches[-1]}.plan.json").read_text())
    after = {one["address"]: one["change"]["after"] for one in plan["resource_changes"]}
    for name in ("orders", "report"):
        function = after[f"aws_lambda_function.{name}"]
        assert function["architectures"] == [said["architecture"]]
        assert function["filename"] == f"out/shop-{said['architecture']}.zip"
    assert after["aws_lambda_layer_version.audit"]["filename"] == f"out/{said['layer']}.zip"


def test_what_is_deployed_is_at_hand_where_a_plan_has_its_hash(shop: Path, tmp_path: Path) -> None:
    project = copied("terraform", shop, tmp_path)
    plan = project / "dangerous.plan.json"
    document = json.loads(plan.read_text())
    for resource in document["resource_changes"]:
        for side in (resource["change"]["before"], resource["change"]["after"]):
            if "filename" in side:
                digest = hashlib.sha256((project / side["filename"]).read_bytes()).digest()
                side["source_code_hash"] = b64encode(digest).decode()
    plan.write_text(json.dumps(document))
    done = run_shim("diff", plan)
    assert done.returncode == 1
    said = "out/audit-arm64.zip!/extensions/audit is built for arm64, the function runs on x86_64"
    assert done.stdout.count(said) == 2
    assert "error 1: " in done.stdout


def copied(name: str, shop: Path, folder: Path) -> Path:
    """An example as in a checkout, with the packages made."""
    shutil.copytree(EXAMPLES / name, folder / name)
    shutil.copytree(shop, folder / name / "out", copy_function=os.link)
    (folder / ".git").mkdir()
    return folder / name


def follow(page: Path, environment: Mapping[str, str]) -> None:
    """Type the commands of a page beside it; what `shim` prints is what stands there."""
    sessions = [part for part in read_parts(page) if isinstance(part, Session)]
    status = 0
    for command in (one for session in sessions for one in session.commands):
        if command.text == "../packages":
            continue  # done once for all of them
        if command.text == "echo $?":
            assert command.shown == (str(status),)
            status = 0
            continue
        assert status == 0, f"what stands before this fails, and nobody is told: {command.text}"
        is_ours = command.text.startswith("shim ")
        done = subprocess.run(
            ["sh", "-c", command.text],
            cwd=page.parent,
            # What a tool brings along is not for shim.
            env={**environment, "PYTHONPATH": ""} if is_ours else environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        status = done.returncode
        if is_ours:
            assert shows(command.shown, done.stdout.splitlines()), f"{command.text}\n{done.stdout}"
        else:
            assert status == 0, done.stdout
