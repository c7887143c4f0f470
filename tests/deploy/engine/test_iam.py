"""With the printed policies the engine can do its work, and with any action less it can't."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from shim.aws.permissions import Place
from shim.cli.main import main
from shim.deploy.engine.definition import definition
from shim.deploy.engine.permissions import Site, caller_policy, role_policy
from shim.deploy.folder import Deployment
from shim.plan.target import Target
from tests.aws.wire.application import ACCOUNT
from tests.aws.wire.user import User, parts
from tests.deploy.engine.interpreter import aliased
from tests.deploy.engine.test_cli_engine import HANDED

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from shim.plan.plan import Plan
    from tests.deploy.engine.interpreter import Engine

INTERPRETERS_KEY = "ak"
"""With which moto's interpreter calls, whatever the state machine's role is."""

OTHERS = {
    "s3:GetObject",  # the list of plans
    "s3:GetObjectVersion",  # what a code call names
    # Children are executions of their own; moto's are threads, for which nobody is asked.
    *("states:DescribeExecution", "states:StartExecution", "states:StopExecution"),
}


PROVISIONED = "lambda:GetProvisionedConcurrencyConfig"

FOR_ALIASES = {
    *("lambda:GetAlias", "lambda:PublishVersion", "lambda:UpdateAlias"),
    PROVISIONED,
}


def shim(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    status = main(["deploy", *map(str, words)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def policies(capsys: pytest.CaptureFixture[str], folder: Path) -> dict[str, Any]:
    status, out, _ = shim(capsys, folder, *HANDED, "--iam")
    assert status == 0
    printed: dict[str, Any] = json.loads(out)
    return printed


def test_the_roles_policy_is_what_the_state_machine_asks_for(
    engine: Engine,
    folders: Path,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    least = policies(capsys, folders / "orders")["rolesPolicy"]
    tasks = re.findall(r"aws-sdk:(\w+:)(\w)(\w+)", json.dumps(definition()))
    asked = {f"{service}{first.upper()}{rest}" for service, first, rest in tasks}
    assert {action for action, _ in parts(least)} == asked - FOR_ALIASES | OTHERS
    with monkeypatch.context() as patch:
        User(engine.cloud, patch).may(least)
    (user,) = iam_backends[ACCOUNT]["aws"].users.values()
    user.access_keys[0].access_key_id = INTERPRETERS_KEY
    without = dict(parts(least))
    user.policies["shim"] = json.dumps(without["lambda:UpdateFunctionCode"])
    problem = engine.run({"orders": plan})["orders"].problem
    assert "is not authorized to perform: lambda:UpdateFunctionCode on resource" in problem
    user.policies["shim"] = json.dumps(least)
    assert engine.run({"orders": plan})["orders"].problem == ""


def test_where_traffic_is_on_an_alias_the_role_may_move_it(plan: Plan) -> None:
    site = Site(
        place=Place(region="eu-west-1", account=ACCOUNT),
        bucket="b",
        prefix="shim/",
        machine="shim",
        role=f"arn:aws:iam::{ACCOUNT}:role/engine",
    )
    deployment = Deployment(target=Target(name="orders"), plan=aliased(plan), arns={})
    role = {action for action, _ in parts(role_policy([deployment], site))}
    assert role >= FOR_ALIASES | {"lambda:InvokeFunction"}
    caller = {action for action, _ in parts(caller_policy([deployment], site))}
    assert not caller & {"lambda:InvokeFunction", "lambda:UpdateAlias", "lambda:PublishVersion"}
    many = [replace(deployment, target=Target(name=f"orders-{n}")) for n in range(200)]
    statements = role_policy(many, site)["Statement"]
    (anywhere,) = (one for one in statements if one["Action"] == [PROVISIONED])
    assert anywhere["Resource"] == [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:*:*"]


def test_the_callers_policy_is_what_shim_takes(
    engine: Engine,
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = (folders / "orders", *HANDED, "--yes", "--allow-unknown")
    least = policies(capsys, folders / "orders")["callersPolicy"]
    user = User(engine.cloud, monkeypatch)
    for action, less in parts(least):
        # Lambda's are tried without an engine (tests/deploy/test_cli_deploy.py), and what is served
        # here passes roles without asking for it.
        if action.startswith("lambda:") or action == "iam:PassRole":
            continue
        user.may(less)
        status, out, err = shim(capsys, *words)
        assert status != 0, action
        needed = re.search(r"it takes the permissions? (.*)", out + err)
        assert needed, action
        assert action in needed[1]
    user.may(least)
    assert shim(capsys, *words)[0] == 0
