"""An account on the served control plane, with functions of every kind and who invokes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.aws.api import LATEST, Alias
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.package.read import read_package
from tests.plan.builders import zipped
from tests.scan.kinds import Headers, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.wire.account import Account
    from tests.scan.kinds import Builds

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:orders"
BUCKET = "arn:aws:s3:::orders"
STACK = {"aws:cloudformation:stack-name": "shop", "lambda:createdBy": "SAM"}


def fill(account: Account, folder: Path, *, builds: Builds | None = None) -> None:
    """A function of each kind, called as the kind; some have owners, aliases and callers."""
    folder.mkdir(exist_ok=True)
    for name, kind in kinds(builds or Headers()).items():
        layers = []
        if kind.layer:
            layer = zipped(folder / f"{name}-layer.zip", kind.layer)
            layers = [account.add_layer(name, layer.read_bytes())]
        state = State(
            package=read_package(zipped(folder / f"{name}.zip", kind.files)),
            arch=kind.arch,
            runtime=read_runtimes()[kind.runtime],
            handler=kind.handler,
            layers=tuple(read_package(folder / f"{name}-layer.zip") for _ in layers),
            environment=(("PASSWORD", "secret"),),
        )
        account.create(name, state, layers=layers)
    account.functions["dual"].tags = {**STACK, "team": "shop"}
    account.functions["launcher"].tags = {"ManagedBy": "terraform"}
    for name in ("dual", "launcher"):
        account.functions[name].plane.aliases.put(Alias(name="live", version=LATEST))
    account.functions["dual"].urls["live"] = "https://orders.lambda-url.eu-west-1.on.aws/"
    account.functions["dual"].policies["live"] = policy({"Service": "s3.amazonaws.com"}, BUCKET)
    account.functions["go"].policies[LATEST] = policy("*")
    account.mappings.append(mapping(account.arn("function", "launcher"), "1"))
    account.mappings.append(mapping(f"{account.arn('function', 'dual')}:live", "2"))


def add_foreign(account: Account, folder: Path) -> None:
    """Functions that shim isn't for."""
    state = State(
        package=read_package(zipped(folder / "foreign.zip", {"orders.py": b"import json"})),
        arch=Arch.ARM64,
        runtime=read_runtimes()["provided.al2023"],
        handler="orders.main",
    )
    account.create("reports", state).more["Runtime"] = "python3.12"
    account.create("images", state).more["PackageType"] = "Image"


def policy(principal: Any, source: str = "") -> str:
    """What GetPolicy gives: one statement that lets somebody invoke the function."""
    statement = {
        "Sid": "1",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:any",
    }
    if source:
        statement["Condition"] = {"ArnLike": {"AWS:SourceArn": source}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def mapping(function: str, number: str) -> dict[str, Any]:
    """What ListEventSourceMappings gives of a queue."""
    return {
        "UUID": f"00000000-0000-4000-8000-00000000000{number}",
        "EventSourceArn": QUEUE,
        "FunctionArn": function,
        "State": "Enabled",
    }
