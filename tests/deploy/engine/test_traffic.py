"""The state machine moves an alias as the executor does, whatever goes wrong on the way."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import boto3
import pytest

from shim.aws.api import Alias, Invoked, Provisioned, ProvisionedStatus
from shim.deploy.engine.language import CHANGED
from shim.deploy.transition import Transition
from tests.aws.wire.server import WireFault
from tests.deploy.engine.interpreter import aliased
from tests.plan.worlds import LIVE, NAME
from tests.wait import wait_until

if TYPE_CHECKING:
    from shim.plan.plan import Plan
    from shim.simulate.control import ControlPlane
    from tests.deploy.engine.interpreter import Engine


def where(plane: ControlPlane) -> tuple[str, str | None]:
    alias = plane.aliases.get(LIVE)
    return alias.version, alias.other_version


def test_the_alias_is_moved_when_the_version_was_published_and_answered(
    engine: Engine, plan: Plan, plane: ControlPlane
) -> None:
    invoked: list[tuple[str, bytes, tuple[str, str | None]]] = []

    def invoke(version: str, event: bytes) -> Invoked:
        invoked.append((version, event, where(plane)))
        return Invoked(error_type=None, payload=b"null")

    plane.invoker = invoke
    result = engine.run({NAME: aliased(plan)}, Transition(event=b'{"order": 7}'))[NAME]
    assert (result.problem, [one.call for one in result.made][-2:]) == (
        "",
        ["PublishVersion", "UpdateAlias"],
    )
    assert invoked == [("2", b'{"order": 7}', ("1", None))]
    assert where(plane) == ("2", None)
    result = engine.run({NAME: aliased(plan)})[NAME]
    assert (result.problem, result.made) == ("", ()), "what is there is looked at, and left alone"


def test_shares_of_the_traffic_are_moved_one_after_the_other(
    engine: Engine, plan: Plan, plane: ControlPlane
) -> None:
    seen = []
    move = plane.update_alias

    def update_alias(function: str, alias: Alias) -> Alias:
        seen.append((alias.version, alias.other_version, alias.other_weight))
        return move(function, alias)

    plane.update_alias = update_alias  # type: ignore[method-assign] # it is listened to
    result = engine.run({NAME: aliased(plan, 0.1, 0.5)}, Transition(pause=1))[NAME]
    assert result.problem == ""
    assert seen == [("1", "2", 0.1), ("1", "2", 0.5), ("2", None, 0.0)]


def test_an_alias_that_is_on_its_way_goes_on_from_there(
    engine: Engine, plan: Plan, plane: ControlPlane
) -> None:
    engine.run({NAME: plan})
    version = boto3.client("lambda").publish_version(FunctionName=NAME)["Version"]
    plane.aliases.put(Alias(name=LIVE, version="1", other_version=version, other_weight=0.5))
    result = engine.run({NAME: aliased(plan, 0.1, 0.5)})[NAME]
    assert (result.problem, [one.call for one in result.made]) == ("", ["UpdateAlias"])
    assert where(plane) == (version, None)


def test_a_version_that_fails_gets_no_traffic(
    engine: Engine, plan: Plan, plane: ControlPlane
) -> None:
    said = b'{"errorType": "Runtime.ExitError", "errorMessage": "secret"}'
    plane.invoker = lambda *_: Invoked(error_type="Runtime.ExitError", payload=said)
    problem = engine.run({NAME: aliased(plan)})[NAME].problem
    assert problem == "Runtime.ExitError: version 2 does not answer: the alias was not moved"
    assert where(plane) == ("1", None)


def test_an_alias_that_somebody_else_moved_is_left_alone(
    engine: Engine, plan: Plan, plane: ControlPlane
) -> None:
    client = boto3.client("lambda")
    client.update_function_configuration(FunctionName=NAME, Handler="others")
    status = partial(client.get_function_configuration, FunctionName=NAME)
    wait_until(lambda: status()["LastUpdateStatus"] == "Successful", seconds=60)
    version = client.publish_version(FunctionName=NAME)["Version"]
    client.update_function_configuration(FunctionName=NAME, Handler=plan.begin.handler)
    plane.aliases.put(Alias(name=LIVE, version=version))
    problem = engine.run({NAME: aliased(plan)})[NAME].problem
    assert problem == f"{CHANGED}: somebody else moved the alias: it is on {version}"
    plane.aliases.put(Alias(name=LIVE, version="1", other_version=version, other_weight=0.2))
    problem = engine.run({NAME: aliased(plan)})[NAME].problem
    assert problem.endswith(f"it is on 1, and for a part on {version}")
    assert where(plane) == ("1", version)


@pytest.mark.parametrize("call", ["PublishVersion", "UpdateAlias"])
@pytest.mark.parametrize("error", ["", "ResourceConflictException", "PreconditionFailedException"])
def test_calls_that_are_refused_or_lost_are_made_again(
    engine: Engine, plan: Plan, plane: ControlPlane, call: str, error: str
) -> None:
    engine.cloud.faults = [
        WireFault(operation=call, error=error, is_carried_out=is_carried_out)
        for is_carried_out in (False, True)
    ]
    result = engine.run({NAME: aliased(plan)})[NAME]
    assert result.problem == ""
    assert where(plane) == ("2", None)
    assert engine.cloud.faults == []


def test_provisioned_concurrency_is_waited_for(
    engine: Engine, plan: Plan, plane: ControlPlane
) -> None:
    ready = Provisioned(status=ProvisionedStatus.READY)
    plane.provisioning.configs[LIVE] = ready
    asked = Counter(engine.cloud.calls)
    assert engine.run({NAME: aliased(plan)})[NAME].problem == ""
    assert plane.provisioning.configs[LIVE] == ready
    asked = Counter(engine.cloud.calls) - asked
    assert asked["GetProvisionedConcurrencyConfig"] > 1
