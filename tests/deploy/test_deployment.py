"""A deployment in its folder: what is recorded, and that no value of the environment gets out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from shim.aws.api import Configuration, Refused, Throttled, Unanswered
from shim.check.verdicts import Verdicts
from shim.deploy.beforehand import Terms, Unfit
from shim.deploy.deployment import Means, deploy, roll_back
from shim.deploy.events import Event, Retrying
from shim.deploy.folder import RECORD, DeploymentFolder, make_folder
from shim.deploy.patience import Stopped
from shim.deploy.transition import Transition
from shim.plan.document import as_document
from shim.plan.plan import Plan
from shim.plan.step import UpdateConfiguration
from shim.plan.target import Target
from shim.simulate.control import Fault
from tests.plan.worlds import AL2023, GO, NAME, World

VALUES = ("hunter2", "b", "with spaces (and a bracket")
TERMS = Terms(day=date(2026, 11, 28))


def folder_of(world: World, *steps: UpdateConfiguration) -> DeploymentFolder:
    plan = Plan(begin=world.state, steps=steps)
    document = as_document(plan, verdicts=Verdicts(), day=None, target=Target(name=NAME))
    return make_folder(world.folder / "deployment", document)


def means(world: World) -> Means:
    return Means(
        connect=lambda _: world.plane,
        transition=lambda _: Transition(),
        clock=world.clock,
        random=Random(1),
        now=lambda: datetime(2026, 11, 28, tzinfo=UTC),
    )


def record(folder: DeploymentFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder.path / RECORD).read_text().splitlines()]


SETS = UpdateConfiguration(
    handler="bills", environment=tuple(zip(("A", "B", "C"), VALUES, strict=True))
)


def test_an_error_that_repeats_what_was_sent_shows_no_value(world: World) -> None:
    folder = folder_of(world, SETS)
    said = f"Value '{{A={VALUES[0]}, B=b, C={VALUES[2]}}}' at 'environment' failed to be valid"
    faults = (Throttled(said), Refused(said))
    world.plane.faults = [Fault(call="update_configuration", error=one) for one in faults]
    told: list[Event] = []
    with pytest.raises(Refused) as caught:
        deploy(folder, means(world), terms=TERMS, tell=told.append)
    text = f"{caught.value.message} {told} {(folder.path / RECORD).read_text()}"
    assert any(isinstance(event, Retrying) for event in told)
    assert "Value '{A=***, B=***, C=***}' at 'environment' failed to be valid" in text
    assert not any(value in text for value in (VALUES[0], VALUES[2]))


def test_each_call_has_a_line_before_it_and_one_after_it(world: World) -> None:
    folder = folder_of(world, SETS, UpdateConfiguration(runtime=AL2023))
    lost = Fault(call="update_configuration", error=Unanswered("no answer"), is_carried_out=True)
    world.plane.faults = [lost]
    assert deploy(folder, means(world), terms=TERMS).calls == 1, "one answer was lost"
    lines = record(folder)
    assert [one["event"] for one in lines] == [
        *("begin", "call", "answer", "call", "answer", "end")
    ]
    assert [one["error"] for one in lines if one["event"] == "answer"] == ["Unanswered", None]
    assert lines[0]["state"] == 0
    assert lines[-1]["problem"] is None
    assert deploy(folder, means(world), terms=TERMS).calls == 0


def test_where_the_dates_forbid_the_way_back_that_is_said_and_nothing_is_touched(
    world: World,
) -> None:
    folder = folder_of(world, UpdateConfiguration(runtime=AL2023))
    late = replace(TERMS, day=date(2027, 2, 15))
    done = deploy(folder, means(world), terms=late)
    assert any("no way back" in note for note in done.notes)
    with pytest.raises(Unfit, match=r"no way back: no function can be moved to provided\.al2"):
        roll_back(folder, means(world), terms=late)
    assert len(world.plane.updates) == 1
    assert roll_back(folder, means(world), terms=TERMS).calls == 1
    assert world.plane.get_function(NAME).runtime == world.state.runtime.name


def test_a_plan_whose_time_is_over_is_not_begun(world: World) -> None:
    folder = folder_of(world, UpdateConfiguration(handler="bills"))
    late = replace(TERMS, day=date(2027, 3, 3))
    with pytest.raises(Unfit, match="the API refuses one of its calls today"):
        deploy(folder, means(world), terms=late)
    assert world.plane.updates == []


def test_a_package_that_no_longer_starts_is_not_deployed(world: World) -> None:
    folder = folder_of(world, UpdateConfiguration(runtime=GO, handler="nowhere"))
    with pytest.raises(Unfit, match="leads to a state that doesn't start"):
        deploy(folder, means(world), terms=replace(TERMS, day=date(2024, 1, 1)))
    assert world.plane.updates == []


def test_what_is_somebody_elses_is_not_taken_back_either(world: World) -> None:
    folder = folder_of(world, SETS)
    deploy(folder, means(world), terms=TERMS)
    change = Configuration(environment=(("A", "by hand"),))
    world.plane.update_configuration(NAME, change, revision=world.revision)
    world.clock.sleep(5)
    with pytest.raises(Stopped, match=r"environment \(A, B, C\)") as caught:
        roll_back(folder, means(world), terms=TERMS)
    assert "by hand" not in caught.value.message
    assert world.plane.get_function(NAME).environment == change.environment
