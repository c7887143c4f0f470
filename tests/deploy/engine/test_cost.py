"""What is said before it starts is what the interpreter then counts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest

from shim.aws.step_functions import Status
from shim.deploy.engine.cost import cost_of, transitions
from shim.deploy.engine.definition import definition
from shim.deploy.transition import Transition
from shim.document import encode
from tests.deploy.engine.interpreter import aliased
from tests.plan.worlds import NAME

if TYPE_CHECKING:
    from shim.plan.plan import Plan
    from shim.simulate.control import ControlPlane
    from tests.deploy.engine.interpreter import Engine


def test_a_thousand_functions_cost_less_than_a_dollar(plan: Plan) -> None:
    cost = cost_of([plan] * 1000, region="eu-west-1")
    assert cost.transitions == 18_001
    assert round(cost.dollars, 2) == 0.46
    assert cost_of([plan], region="sa-east-1").dollars > cost_of([plan], region="x").dollars


@pytest.mark.parametrize("shares", [None, (), (0.1, 0.5)])
def test_a_plan_goes_through_as_many_states_as_are_counted(
    engine: Engine, plan: Plan, plane: ControlPlane, shares: tuple[float, ...] | None
) -> None:
    plane.timing = replace(plane.timing, update=(0, 0), publish=(0, 0))
    carried_out = plan if shares is None else aliased(plan, *shares)
    child = definition()["States"]["Functions"]["ItemProcessor"]
    del child["ProcessorConfig"]
    machine = engine.machines.make(
        "child", encode({"QueryLanguage": "JSONata", **child}), role=engine.role
    )
    batch = engine.place({NAME: carried_out}, Transition(pause=0))
    (document,) = json.loads(engine.bucket.read(f"{batch.folder}plans.json") or b"")
    given = {"bucket": engine.bucket.name, "results": "", "wait": 0, "polls": 9, "concurrency": 1}
    execution = engine.machines.start(
        machine, "child", encode({**given, "index": 0, "plan": document})
    )
    assert execution
    assert engine.ended(execution).status is Status.SUCCEEDED
    history = boto3.client("stepfunctions").get_execution_history(executionArn=execution)
    types = [event["type"] for event in history["events"]]
    assert sum(one.endswith("StateEntered") for one in types) == transitions(carried_out)
