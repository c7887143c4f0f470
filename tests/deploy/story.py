"""The commands of docs/reference/deploy.md, run against a served account.

`python -m tests.deploy.story` prints each with what it printed; a test holds the page to it.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.cli.main import main
from shim.simulate.timing import Timing
from tests.aws.wire.server import Cloud, serving
from tests.aws.wire.user import User
from tests.plan.worlds import AL2023, NAME, World

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = f"shim deploy --function {NAME} --package new.zip --arch arm64 --handler bills --yes"


def story(cloud: Cloud, patch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each command with its output, in the current folder and the environment that `patch` has."""
    cloud.timing = Timing(call=(0.0, 0.0), update=(0.0, 0.0))
    world = World(folder=Path())
    Path(f"{Arch.ARM64}.zip").rename("new.zip")
    cloud.account().create(NAME, replace(world.state, runtime=AL2023))
    user = User(cloud, patch)
    yield typed(DEPLOY)
    yield typed(DEPLOY)
    typed(f"shim rollback {NAME}.deployment --yes")
    functions = f"arn:aws:lambda:*:*:function:{NAME}*"
    actions = ["lambda:GetFunction", "lambda:ListTags", "lambda:UpdateFunctionCode"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": [functions]}
    user.may({"Version": "2012-10-17", "Statement": [statement]})
    yield typed(f"shim deploy {NAME}.deployment --yes")
    yield typed(f"shim rollback {NAME}.deployment --yes")


def typed(line: str) -> str:
    """A command as a page shows it, with all that it printed, and its exit status if not 0."""
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = main(shlex.split(line)[1:])
    lines = [f"$ {line}", *map(str.rstrip, printed.getvalue().splitlines())]
    if status:
        lines += ["$ echo $?", str(int(status))]
    return "\n".join(lines)


def _main() -> int:
    with (
        tempfile.TemporaryDirectory() as name,
        pytest.MonkeyPatch.context() as patch,
        chdir(name),
        serving(Cloud(folder=Path(name, "cloud"))) as cloud,
    ):
        cloud.folder.mkdir()
        for variable, value in cloud.environment().items():
            patch.setenv(variable, value)
        patch.setenv("SHIM_CACHE", os.fspath(Path(name, "cache")))
        for block in story(cloud, patch):
            sys.stdout.write(f"{block}\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
