"""What a page's reader has before a command, or what happens to it meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import zipfile
from contextlib import ExitStack, chdir
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.state import State
from shim.cli.main import main as shim
from shim.package.read import read_package
from shim.simulate.timing import Timing
from tests.aws.wire.server import Cloud, serving
from tests.aws.wire.user import User
from tests.check.builders import launcher, program
from tests.docs.pages import ROOT
from tests.plan.builders import zipped
from tests.plan.worlds import AL2, AL2023, GO, NAME, World
from tests.scan.account import fill
from tests.templates.split.builders import GO as GO_FILES
from tests.templates.split.builders import OWN as OWN_FILES
from tests.templates.split.builders import put
from tests.templates.split.test_split import NEW, OLD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

FAST = Timing(call=(0.0, 0.0), update=(0.0, 0.0))


@dataclass(kw_only=True)
class Scene:
    """Where a page is followed."""

    folder: Path
    patch: pytest.MonkeyPatch
    """For the environment."""
    shell: tuple[str, ...] = ()
    """What runs bash somewhere else, if it isn't to run here."""
    exits: ExitStack = field(default_factory=ExitStack)
    cloud: Cloud | None = None

    def serve(self) -> Cloud:
        """An account of AWS, on the loopback, in which every update takes hold at once."""
        folder = self.folder.with_name(f"{self.folder.name}-cloud")
        folder.mkdir()
        self.cloud = self.exits.enter_context(serving(Cloud(folder=folder, timing=FAST)))
        for name, value in self.cloud.environment().items():
            self.patch.setenv(name, value)
        return self.cloud

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> None:
        """A file of the reader's."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)


def example(name: str) -> Callable[[Scene], None]:
    """One of examples/, as the reader's own project."""

    def lay(scene: Scene) -> None:
        ignored = shutil.ignore_patterns("out", "build")
        shutil.copytree(ROOT / "examples" / name, scene.folder, ignore=ignored, dirs_exist_ok=True)

    return lay


def programs(*names: str) -> Callable[[Scene], None]:
    """What a build leaves: programs, those for arm64 with that in their names."""

    def lay(scene: Scene) -> None:
        for name in names:
            arch = Arch.ARM64 if "arm64" in name else Arch.X86_64
            scene.write(name, program(arch), 0o755)

    return lay


BUILT = programs("build/x86_64/orders", "build/arm64/orders")


def build_go(scene: Scene) -> None:
    """The Go example's programs, where `shim pack` looks for them."""
    variables = {**os.environ, "OUT": os.fspath(scene.folder / "build")}
    subprocess.run([ROOT / "examples/go/build"], env=variables, check=True, capture_output=True)


def hello_in_an_account(scene: Scene) -> None:
    """The tutorial's function, as it was."""
    package = read_package(scene.folder / "old.zip")
    state = State(package=package, arch=Arch.X86_64, runtime=AL2, handler="hello")
    scene.serve().account().create("hello", state)


def go_in_an_account(scene: Scene) -> None:
    """A function on go1.x, whose package is its program alone; and what was built anew."""
    BUILT(scene)
    zipped(scene.folder / "old.zip", {"orders": program()})
    package = read_package(scene.folder / "old.zip")
    state = State(package=package, arch=Arch.X86_64, runtime=GO, handler="orders")
    scene.serve().account().create(NAME, state)


def orders_in_an_account(scene: Scene) -> None:
    """A function on x86_64, and `new.zip` for arm64."""
    world = World(folder=scene.folder)
    (scene.folder / f"{Arch.ARM64}.zip").rename(scene.folder / "new.zip")
    scene.serve().account().create(NAME, replace(world.state, runtime=AL2023))


def orders_on_al2(scene: Scene) -> None:
    """A function behind the script that asks `uname`, on provided.al2; and what was built anew."""
    BUILT(scene)
    script = ROOT / "shim/bench/baselines/uname.sh"
    files = {"bootstrap": script.read_bytes(), "orders": program()}
    package = read_package(zipped(scene.folder / "old.zip", files))
    state = State(package=package, arch=Arch.X86_64, runtime=AL2, handler=NAME)
    scene.serve().account().create(NAME, state)


def orders_as_before(scene: Scene) -> None:
    """Back where it was, and from now on it can be read and given other code, and no more."""
    assert scene.cloud
    with chdir(scene.folder):
        assert shim(["rollback", f"{NAME}.deployment", "--yes"]) == 0
    functions = f"arn:aws:lambda:*:*:function:{NAME}*"
    actions = ["lambda:GetFunction", "lambda:ListTags", "lambda:UpdateFunctionCode"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": [functions]}
    User(scene.cloud, scene.patch).may({"Version": "2012-10-17", "Statement": [statement]})


def many_functions(scene: Scene) -> None:
    """An account with a function of every kind."""
    folder = scene.folder.with_name(f"{scene.folder.name}-zips")
    fill(scene.serve().account(), folder)


def commit(scene: Scene) -> None:
    """All that is there, in a repository of git's."""
    git = ["git", "-c", "user.name=reader", "-c", "user.email=reader@example.com"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "As it is"]):
        subprocess.run([*git, *words], cwd=scene.folder, check=True)


def renamed_handler(scene: Scene) -> None:
    """The template and its package in git, and then both with another handler."""
    commit(scene)
    path = scene.folder / "template.yaml"
    path.write_text(path.read_text().replace("Handler: orders", "Handler: bin/orders"))
    (scene.folder / "orders.zip").unlink()
    with chdir(scene.folder):
        programs = [f"bin/orders=build/{arch}/orders" for arch in Arch]
        assert shim(["pack", *programs, "-o", "orders.zip"]) == 0


def leaving_go(scene: Scene) -> None:
    """A function on go1.x in git, and then on provided.al2023, its program called `bootstrap`."""
    template = """\
Resources:
  Orders:
    Type: AWS::Lambda::Function
    Properties:
      Code: build
      Runtime: {runtime}
      Handler: {handler}
      Role: !GetAtt Role.Arn
  Queue:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: !Ref Orders, EventSourceArn: !GetAtt Orders.Queue}}
"""
    scene.write("build/orders", program(), 0o755)
    scene.write("template.yaml", template.format(runtime="go1.x", handler="orders"))
    commit(scene)
    (scene.folder / "build/orders").rename(scene.folder / "build/bootstrap")
    scene.write("template.yaml", template.format(runtime="provided.al2023", handler="bootstrap"))


def first_article(scene: Scene) -> None:
    """A function on go1.x and on provided.al2023, as two templates with their packages."""
    put(scene.folder, {"build/old": GO_FILES, "build/new": OWN_FILES})
    scene.write("old.yaml", OLD)
    scene.write("new.yaml", NEW)


def two_faults(scene: Scene) -> None:
    """A script of Windows's and a program that may not be executed; a script and its program."""
    launched = {
        "bootstrap": launcher(),
        "bills": b"#!/bin/sh\r\nexec sleep 1\r\n",
        "report": program(),
    }
    zipped(scene.folder / "functions.zip", launched)
    with zipfile.ZipFile(scene.folder / "functions.zip", "a") as archive:
        orders = zipfile.ZipInfo("orders")
        orders.external_attr = (stat.S_IFREG | 0o644) << 16
        archive.writestr(orders, program())
    script = b"#!/bin/sh\nexec ./app\n"
    zipped(scene.folder / "app.zip", {"bootstrap": script, "app": program(Arch.ARM64)})


def terraform_plan(scene: Scene) -> None:
    """Of `terraform show -json`, what tells of one function: handler and package change."""
    before = {
        "function_name": "orders",
        "runtime": "provided.al2023",
        "architectures": ["x86_64"],
        "handler": "bootstrap",
        "filename": "old.zip",
        "source_code_hash": "1",
        "publish": False,
    }
    after = {**before, "handler": "orders", "filename": "orders.zip", "source_code_hash": "2"}
    change = {"actions": ["update"], "before": before, "after": after, "after_unknown": {}}
    resource = {
        "address": "aws_lambda_function.orders",
        "mode": "managed",
        "type": "aws_lambda_function",
        "name": "orders",
        "change": change,
    }
    zipped(scene.folder / "old.zip", {"bootstrap": program()})
    scene.write(
        "change.json", json.dumps({"format_version": "1.2", "resource_changes": [resource]})
    )


def goreleaser_dist(scene: Scene) -> None:
    """What `goreleaser build` leaves of one program, as its source has it."""
    programs("dist/orders_linux_amd64_v1/orders", "dist/orders_linux_arm64_v8.0/orders")(scene)
    artifacts = [
        {
            "name": "orders",
            "path": f"dist/orders_linux_{target}/orders",
            "goos": "linux",
            "goarch": target.partition("_")[0],
            "target": f"linux_{target}",
            "internal_type": 4,
            "type": "Binary",
            "extra": {"Binary": "orders", "Ext": "", "ID": "orders"},
        }
        for target in ("amd64_v1", "arm64_v8.0")
    ]
    scene.write("dist/artifacts.json", json.dumps(artifacts))
    runtime = {"goos": "linux", "goarch": "amd64"}
    scene.write("dist/metadata.json", json.dumps({"project_name": "orders", "runtime": runtime}))
    scene.write("dist/config.yaml", "project_name: orders\n")


STAGES: dict[str, Callable[[Scene], None]] = {
    "hello in an account": hello_in_an_account,
    "orders in an account": orders_in_an_account,
    "orders on go1.x": go_in_an_account,
    "orders on provided.al2": orders_on_al2,
    "orders as before, and fewer permissions": orders_as_before,
    "an account of functions": many_functions,
    "examples/go": example("go"),
    "examples/go is built": build_go,
    "examples/rust": example("rust"),
    "examples/cpp": example("cpp"),
    "programs for both architectures": BUILT,
    "a package with two faults": two_faults,
    "the first article's templates": first_article,
    "a pull request that leaves go1.x": leaving_go,
    "a renamed handler": renamed_handler,
    "what terraform show prints": terraform_plan,
    "what cargo lambda build leaves": programs("target/lambda/orders/bootstrap"),
    "what goreleaser leaves": goreleaser_dist,
}
"""By the name that pages call it by."""
