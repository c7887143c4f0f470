"""The state machine carries plans out as the executor does, whatever goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import boto3

from shim.aws.api import UpdateStatus
from shim.aws.step_functions import Status
from shim.deploy.engine.language import (
    CHANGED,
    FAILED_UPDATE,
    GIVEN_UP,
    TOO_SLOW,
)
from shim.deploy.patience import TRIES
from shim.package.packages import code_sha256
from shim.plan.plan import Plan
from tests.aws.wire.server import WireFault
from tests.deploy.engine.faults import check_faults, fault_table
from tests.deploy.engine.interpreter import VALUE
from tests.plan.worlds import NAME

if TYPE_CHECKING:
    from shim.simulate.control import ControlPlane
    from tests.deploy.engine.interpreter import Engine

CALLS = ("UpdateFunctionConfiguration", "UpdateFunctionCode", "UpdateFunctionConfiguration")


def create(engine: Engine, plan: Plan, *names: str) -> tuple[ControlPlane, ...]:
    """Functions where the plan begins."""
    account = engine.cloud.account()
    return tuple(account.create(name, plan.begin).plane for name in names)


def interfere(name: str) -> None:
    """What somebody else does meanwhile."""
    environment = {"Variables": {"TOKEN": "another"}}
    boto3.client("lambda").update_function_configuration(FunctionName=name, Environment=environment)


def has_arrived(plane: ControlPlane, plan: Plan) -> bool:
    now, wanted = plane.get_function(plane.name), plan.wanted
    return now.update is UpdateStatus.SUCCESSFUL and now.settings == (
        *(code_sha256(wanted.package), wanted.arch, wanted.runtime.name),
        *(wanted.handler, (), wanted.environment),
    )


def updates(engine: Engine) -> list[str]:
    return [call for call in engine.cloud.calls if call.startswith("Update")]


def test_a_plan_is_carried_out_each_call_when_the_last_has_taken_hold(
    engine: Engine, plan: Plan
) -> None:
    (plane,) = create(engine, plan, NAME)
    result = engine.run({NAME: plan})[NAME]
    assert (result.problem, [one.call for one in result.made]) == ("", [*CALLS])
    assert has_arrived(plane, plan)
    assert updates(engine) == [*CALLS], "none was refused: each waited for the one before"


def test_a_second_run_looks_and_changes_nothing(engine: Engine, plan: Plan) -> None:
    (plane,) = create(engine, plan, NAME)
    engine.run({NAME: plan})
    before = plane.get_function(NAME)
    assert engine.run({NAME: plan})[NAME].made == ()
    assert plane.get_function(NAME) == before


def test_a_run_that_was_stopped_is_taken_up_where_each_function_is(
    engine: Engine, plan: Plan
) -> None:
    names = [f"orders-{number}" for number in range(8)]
    planes = create(engine, plan, *names)
    run = engine.start(dict.fromkeys(names, plan), concurrency=2)
    same = engine.start(dict.fromkeys(names, plan), concurrency=2)
    assert same.execution == run.execution, "who starts it again finds the one that runs"
    while len(updates(engine)) < 4:
        pass
    engine.machines.stop(run.execution)
    assert engine.ended(run.execution).status is Status.ABORTED
    assert not all(has_arrived(plane, plan) for plane in planes)
    again = engine.run(dict.fromkeys(names, plan), concurrency=8)
    assert not any(result.problem for result in again.values())
    assert all(has_arrived(plane, plan) for plane in planes)
    assert sum(len(result.made) for result in again.values()) < 3 * len(names)


def test_a_state_that_is_none_of_the_plans_is_left_alone_and_stops_no_other_function(
    engine: Engine, plan: Plan
) -> None:
    changed, other = create(engine, plan, "changed", "other")
    interfere("changed")
    results = engine.run({"missing": plan, "changed": plan, "other": plan})
    assert results["changed"].problem.startswith(f"{CHANGED}: it is in none of the states")
    assert dict(changed.get_function("changed").environment) == {"TOKEN": "another"}
    assert results["missing"].problem.startswith("Lambda.ResourceNotFoundException: ")
    assert results["other"].problem == ""
    assert has_arrived(other, plan)


def test_a_change_by_somebody_else_half_way_is_left_alone(engine: Engine, plan: Plan) -> None:
    (plane,) = create(engine, plan, NAME)
    half = Plan(begin=plan.begin, steps=plan.steps[:1])
    engine.run({NAME: half})
    interfere(NAME)
    result = engine.run({NAME: plan})[NAME]
    assert result.problem.startswith(CHANGED)
    assert VALUE not in result.problem
    assert dict(plane.get_function(NAME).environment) == {"TOKEN": "another"}


def test_an_update_that_fails_ends_the_function_with_its_reason_and_is_made_again(
    engine: Engine, plan: Plan
) -> None:
    (plane,) = create(engine, plan, NAME)
    plane.failing_update = "FunctionError.InvalidEntryPoint"
    result = engine.run({NAME: plan})[NAME]
    assert result.problem.startswith(f"{FAILED_UPDATE}: FunctionError.InvalidEntryPoint: ")
    again = engine.run({NAME: plan})[NAME]
    assert (again.problem, len(again.made)) == ("", 3), "the first call had not been made"
    assert has_arrived(plane, plan)


def test_what_never_takes_hold_ends_the_function(engine: Engine, plan: Plan) -> None:
    (plane,) = create(engine, plan, NAME)
    plane.timing = replace(plane.timing, update=(1e9, 1e9))
    assert engine.run({NAME: plan}, patience=5)[NAME].problem.startswith(f"{TOO_SLOW}: ")


def test_what_is_never_taken_is_given_up(engine: Engine, plan: Plan) -> None:
    create(engine, plan, NAME)
    conflict = WireFault(operation=CALLS[0], error="ResourceConflictException")
    engine.cloud.faults = [conflict] * (TRIES + 1)
    problem = engine.run({NAME: plan})[NAME].problem
    assert problem == f"{GIVEN_UP}: not taken in {TRIES} tries: {CALLS[0]}"
    assert len(engine.cloud.faults) == 1


def test_each_kind_of_answer_ends_the_function_or_nothing(engine: Engine, plan: Plan) -> None:
    table = fault_table()
    sample = [*table[:1], *table[3::9]]
    assert {is_final for _, is_final in sample} == {True, False}
    names = [fault.function for fault, _ in sample]
    planes = create(engine, plan, *names)
    check_faults(engine, plan, sample)
    assert all(has_arrived(plane, plan) for plane in planes)


def test_nothing_that_stays_has_a_value_of_the_environment(engine: Engine, plan: Plan) -> None:
    create(engine, plan, NAME)
    run = engine.start({NAME: plan, "missing": plan})
    engine.ended(run.execution)
    history = boto3.client("stepfunctions").get_execution_history(executionArn=run.execution)
    written = [engine.bucket.read(f"{run.results}{name}.json") for name in (NAME, "missing")]
    assert all(written)
    assert VALUE not in f"{history}{written}"
