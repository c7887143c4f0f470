"""Many functions in a served account, deployed by `shim deploy` in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from shim.arch import Arch
from shim.aws.api import LATEST, Function, UpdateStatus
from shim.aws.pace import OTHERS
from shim.check.state import State
from shim.check.verdicts import Verdicts
from shim.deploy.executor import read_zip
from shim.deploy.folder import make_folder
from shim.plan.document import as_document
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.target import Target
from tests.check.builders import launcher, program
from tests.plan.worlds import AL2, AL2023, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.aws.wire.account import Function as Served
    from tests.aws.wire.server import Cloud


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a run of `shim deploy` took."""

    changed: int
    """Functions that are what was wanted, in the account."""
    status: int
    said: str
    """By the process, on standard error."""
    calling: float
    """Seconds from the first call to the last one that changed something."""
    seconds: float
    """From its first call to its end: the last update has taken hold."""
    allowed: float
    """Seconds that 15 calls a second alone would have taken for all that were taken till then."""
    peak: int
    """Bytes of memory."""


@dataclass(kw_only=True)
class Neighbour:
    """Somebody else who deploys in the account: calls that were taken, and refused."""

    taken: int = 0
    refused: int = 0


@contextmanager
def neighbour(cloud: Cloud, *, rate: float) -> Iterator[Neighbour]:
    """So many calls a second, whatever is answered."""
    counts, stop = Neighbour(), threading.Event()
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "secret"}
    client = boto3.Session(region_name="eu-west-1", **keys).client(
        "lambda", endpoint_url=cloud.url, config=Config(retries={"total_max_attempts": 1})
    )

    def call() -> None:
        while not stop.wait(1 / rate):
            try:
                client.list_aliases(FunctionName="function-0", MaxItems=1)
                counts.taken += 1
            except ClientError:
                counts.refused += 1

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield counts
    finally:
        stop.set()
        thread.join()


def make_deployments(cloud: Cloud, folder: Path, *, functions: int, ballast: int = 0) -> Function:
    """Functions and a deployment folder for each; what all shall be.

    `ballast` is how many bytes that can't be compressed each package has besides.
    """
    folder.mkdir()
    more = os.urandom(ballast)
    packages = {
        arch: zipped(
            folder / f"{arch}.zip",
            {"bootstrap": launcher(arch), "orders": program(arch), "more": more},
        )
        for arch in Arch
    }
    begin = State(package=packages[Arch.X86_64], arch=Arch.X86_64, runtime=AL2, handler="orders")
    code = UpdateCode(package=packages[Arch.ARM64], arch=Arch.ARM64)
    plan = Plan(begin=begin, steps=(code, UpdateConfiguration(runtime=AL2023)))
    verdicts = Verdicts()
    for number in range(functions):
        name = f"function-{number}"
        cloud.account().create(name, begin)
        target = Target(name=name, arn=cloud.account().arn("function", name))
        document = as_document(plan, verdicts=verdicts, day=None, target=target)
        make_folder(folder / name, document)
    return Function(
        version=LATEST,
        code_sha256=read_zip(code.package).sha256,
        arch=code.arch,
        runtime=AL2023.name,
        handler=begin.handler,
        revision="",
    )


def deploy_many(cloud: Cloud, folder: Path, wanted: Function) -> Measured:
    """Deploy every folder below `folder`, and look at what became of the functions."""
    account = cloud.account()
    before = account.budget.buckets[OTHERS].taken
    first, peak = len(cloud.calls), 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "shim", "deploy", str(folder), "--yes", "--json"],
            env={**os.environ, **cloud.environment()},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.02)
        ended, times = time.monotonic(), cloud.times[first:]
        begun = min(times, default=ended)
        calls = cloud.calls[first:]
        last = max((at for at, one in enumerate(calls) if one.startswith("Update")), default=0)
        # A neighbour goes on while the last update takes hold.
        late = sum(call not in account.budget.buckets for call in calls[last + 1 :])
        said.seek(0)
        buckets = account.budget.buckets
        return Measured(
            changed=sum(_is(wanted, one) for one in account.functions.values()),
            status=process.returncode,
            said=said.read(),
            calling=times[last] - begun if times else 0.0,
            seconds=ended - begun,
            allowed=(buckets[OTHERS].taken - before - late) / buckets[OTHERS].rate,
            peak=peak,
        )


def _memory(process: int) -> int:
    """The most bytes that a process had; what `wait4` says is its parent's too."""
    status = Path("/proc", str(process), "status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _is(wanted: Function, function: Served) -> bool:
    now = function.plane.versions[0]
    return now.update is UpdateStatus.SUCCESSFUL and now.settings == wanted.settings
