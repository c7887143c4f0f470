"""The engine in an account, with functions that it can be handed plans for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from shim.aws.api import Alias
from shim.check.verdicts import Verdicts
from shim.deploy.folder import make_folder
from shim.plan.document import as_document
from shim.plan.target import Target
from tests.aws.wire.application import ACCOUNT
from tests.aws.wire.server import REGION
from tests.deploy.engine.interpreter import Engine, make_whole, plan_of
from tests.plan.worlds import LIVE, NAME

if TYPE_CHECKING:
    from pathlib import Path

    from shim.plan.plan import Plan
    from shim.simulate.control import ControlPlane
    from tests.aws.wire.server import Cloud
    from tests.plan.worlds import World


@pytest.fixture
def engine(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An account in which a second passes in a fiftieth."""
    cloud.speed = 50.0
    make_whole(monkeypatch, cloud)
    return Engine(cloud=cloud)


@pytest.fixture
def plan(world: World) -> Plan:
    """Three calls."""
    return plan_of(world)


@pytest.fixture
def plane(engine: Engine, plan: Plan) -> ControlPlane:
    """A function whose traffic is on the alias `live`, which is on version 1."""
    plane = engine.cloud.account().create(NAME, plan.begin).plane
    version = boto3.client("lambda").publish_version(FunctionName=NAME)["Version"]
    plane.aliases.put(Alias(name=LIVE, version=version))
    return plane


@pytest.fixture
def folders(engine: Engine, plan: Plan, tmp_path: Path) -> Path:
    """Three deployments: the function of one isn't there."""
    for name in ("bills", "missing", "orders"):
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        document = as_document(
            plan, verdicts=Verdicts(day=None), day=None, target=Target(name=name, arn=arn)
        )
        (tmp_path / "all").mkdir(exist_ok=True)
        make_folder(tmp_path / "all" / name, document)
    for name in ("bills", "orders"):
        engine.cloud.account().create(name, plan.begin)
    return tmp_path / "all"
