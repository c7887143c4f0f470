"""moto's interpreter of Amazon States Language, with Lambda's calls answered by `tests.aws.wire`.

It is made whole in two places: it leaves out what evaluates JSONata, which jsonata-python does, and
spells Lambda's errors `lambda.X`, where AWS writes `Lambda.X`.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
from jsonata import Jsonata
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk as sdk,
)
from moto.stepfunctions.parser.asl.jsonata import jsonata

from shim.arch import Arch
from shim.aws.bucket import Bucket
from shim.aws.step_functions import Execution, StateMachines, Status
from shim.deploy.engine.definition import definition
from shim.deploy.engine.order import Order
from shim.deploy.engine.run import Batch, Result, Run, place, read_results, start, watch
from shim.deploy.folder import Deployment
from shim.deploy.transition import Transition
from shim.plan.alias import AliasPlan
from shim.plan.plan import Plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.target import Target
from tests.aws.wire.application import ACCOUNT
from tests.aws.wire.server import REGION
from tests.plan.worlds import AL2023, alias_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from tests.aws.wire.server import Cloud
    from tests.plan.worlds import World

VALUE = "sesame"
"""Of a variable in the environment."""

BUCKET, PREFIX, ROLE = "engine", "shim/", f"arn:aws:iam::{ACCOUNT}:role/engine"
_PRIVATE = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def make_whole(patch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    """Let moto execute state machines, which call what answers at the cloud's address."""
    patch.setenv("MOTO_PORT", cloud.url.rpartition(":")[2])
    patch.setitem(default_user_config, "stepfunctions", {"execute_state_machine": True})
    patch.setitem(sdk._SERVICE_ERROR_NAMES, "lambda", "Lambda")
    patch.setattr(jsonata, "_eval_jsonata", lambda expression: Jsonata(expression).evaluate(None))


def plan_of(world: World) -> Plan:
    """Three calls, the first of which changes the environment."""
    steps = (
        UpdateConfiguration(handler="bills", environment=(("LOG", "all"), ("TOKEN", VALUE))),
        UpdateCode(package=world.packages[Arch.ARM64], arch=Arch.ARM64),
        UpdateConfiguration(runtime=AL2023),
    )
    return Plan(begin=replace(world.state, environment=(("TOKEN", VALUE),)), steps=steps)


def aliased(plan: Plan, *shares: float) -> AliasPlan:
    return AliasPlan(latest=plan, after=alias_plan(plan.begin, plan.wanted, *shares).after)


def make_bucket(name: str = BUCKET) -> Bucket:
    """A bucket as it has to be."""
    client = boto3.client("s3")
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    client.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(_PRIVATE, True)
    )
    return Bucket(client, name, owner=ACCOUNT)


@dataclass(kw_only=True)
class Engine:
    """The state machine in an account, whose updates take no time to speak of."""

    cloud: Cloud
    role: str = ROLE

    def __post_init__(self) -> None:
        self.bucket = make_bucket()
        self.machines = StateMachines(boto3.client("stepfunctions"))
        self.machine = self.machines.make("shim", json.dumps(definition()), role=ROLE)

    def place(
        self, plans: Mapping[str, Plan | AliasPlan], transition: Transition | None = None
    ) -> Batch:
        """These functions' plans, in the bucket."""
        orders = [
            Order(
                deployment=Deployment(target=Target(name=name), plan=plan, arns={}),
                layers={},
                transition=transition or Transition(),
            )
            for name, plan in plans.items()
        ]
        return place(orders, self.bucket, prefix=PREFIX)

    def start(
        self,
        plans: Mapping[str, Plan | AliasPlan],
        transition: Transition | None = None,
        **settings: Any,
    ) -> Run:
        """Begin with them; in these tests nobody waits."""
        settings = {"concurrency": 20, "wait": 0, **settings}
        return start(self.place(plans, transition), self.machines, self.machine, **settings)

    def ended(self, execution: str) -> Execution:
        """The execution, when it runs no more."""
        *_, now = watch(execution, self.machines, sleep=lambda _: time.sleep(0.05))
        return now

    def run(
        self,
        plans: Mapping[str, Plan | AliasPlan],
        transition: Transition | None = None,
        **settings: Any,
    ) -> dict[str, Result]:
        """What became of each function."""
        run = self.start(plans, transition, **settings)
        assert self.ended(run.execution).status is Status.SUCCEEDED
        return {result.name: result for result in read_results(run)}
