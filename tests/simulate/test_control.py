"""The control plane in memory behaves as docs/why/lambda.md has it of the real one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.aws.api import (
    LATEST,
    Alias,
    Configuration,
    Conflict,
    NotFound,
    Refused,
    RevisionMismatch,
    Throttled,
    UpdateStatus,
)
from shim.aws.pace import OTHERS, read_rates
from shim.deploy.executor import read_zip
from shim.simulate.budget import Budget
from shim.simulate.control import ControlPlane, Fault
from shim.simulate.timing import Timing
from tests.plan.worlds import GO, NAME, World, zipped

if TYPE_CHECKING:
    from pathlib import Path

    from shim.aws.api import Function


def change_arch(world: World) -> Function:
    package = read_zip(world.packages[Arch.ARM64])
    return world.plane.update_code(NAME, package, arch=Arch.ARM64, revision=world.revision)


def test_an_update_shows_at_once_and_takes_hold_later(world: World) -> None:
    assert change_arch(world).update is UpdateStatus.IN_PROGRESS
    world.clock.sleep(4.4)
    now = world.plane.get_function(NAME)
    assert (now.arch, now.update) == (Arch.ARM64, UpdateStatus.IN_PROGRESS)
    assert world.plane.machines.state_for_new_sandbox(LATEST) == world.state
    world.clock.sleep(0.1 + world.timing.spread)
    assert world.plane.get_function(NAME).update is UpdateStatus.SUCCESSFUL
    assert world.plane.machines.state_for_new_sandbox(LATEST) == world.on_arm64


def test_a_call_takes_time(tmp_path: Path) -> None:
    world = World(folder=tmp_path, timing=Timing(call=(0.5, 0.5)))
    world.plane.get_function(NAME)
    assert world.clock.now == 0.5


def test_while_an_update_is_in_progress_it_can_be_invoked_but_not_changed(world: World) -> None:
    world.change_handler()
    assert world.plane.invoke(NAME, b"{}").error_type is None
    with pytest.raises(Conflict, match="update is in progress"):
        world.change_handler("other")
    with pytest.raises(Conflict, match="update is in progress"):
        change_arch(world)
    with pytest.raises(Conflict, match="update is in progress"):
        world.publish()
    world.clock.sleep(5)
    change_arch(world)


def test_the_code_call_leaves_the_configuration_and_the_other_way_round(world: World) -> None:
    change_arch(world)
    world.clock.sleep(5)
    assert world.plane.get_function(NAME).handler == "orders"
    world.change_handler()
    world.clock.sleep(5)
    now = world.plane.get_function(NAME)
    assert (now.handler, now.runtime, now.arch) == ("bills", "provided.al2", Arch.ARM64)


def test_for_some_seconds_new_sandboxes_still_start_from_what_was_before(world: World) -> None:
    change_arch(world)
    world.clock.sleep(5 + world.timing.spread / 2)
    seen = {world.plane.machines.state_for_new_sandbox(LATEST) for _ in range(100)}
    assert seen == {world.state, world.on_arm64}, "each one whole, never a mix"


def test_a_change_of_what_is_no_longer_so_is_refused(world: World) -> None:
    world.plane.aliases.put(Alias(name="live", version=world.publish().version))
    package, api, old = read_zip(world.state.package), world.plane, "revision-0"
    calls = (
        lambda: api.update_code(NAME, package, arch=Arch.X86_64, revision=old),
        lambda: api.update_configuration(NAME, Configuration(handler="x"), revision=old),
        lambda: api.publish_version(NAME, code_sha256=package.sha256, revision=old),
        lambda: api.update_alias(NAME, Alias(name="live", version="1", revision=old)),
    )
    for call in calls:
        with pytest.raises(RevisionMismatch):
            call()


def test_a_code_call_that_is_tried_is_refused_as_it_would_be_and_changes_nothing(
    world: World,
) -> None:
    before = world.plane.get_function(NAME)
    package = read_zip(world.packages[Arch.ARM64])
    world.plane.try_code(NAME, package, arch=Arch.ARM64, revision=before.revision)
    with pytest.raises(RevisionMismatch):
        world.plane.try_code(NAME, package, arch=Arch.ARM64, revision="another")
    assert world.plane.get_function(NAME) == before


def test_the_revision_is_another_when_an_update_has_taken_hold(world: World) -> None:
    begun = world.change_handler()
    world.clock.sleep(5)
    assert world.revision != begun.revision


def test_a_runtime_must_have_the_architecture_that_the_function_has_now(world: World) -> None:
    change_arch(world)
    world.clock.sleep(5)
    with pytest.raises(Refused, match=r"go1\.x does not support arm64"):
        world.plane.update_configuration(
            NAME, Configuration(runtime=GO.name), revision=world.revision
        )


def test_a_runtime_that_is_blocked_is_refused(world: World) -> None:
    late = ControlPlane(
        world.clock, Random(1), name=NAME, timing=world.timing, day=date(2028, 1, 1)
    )
    begun = late.create(world.state, read_zip(world.state.package))
    with pytest.raises(Refused, match=r"provided\.al2 can't be updated since 2027-03-03"):
        late.update_configuration(NAME, Configuration(handler="x"), revision=begun.revision)


@pytest.mark.parametrize(
    "change",
    [Configuration(runtime="go9"), Configuration(layers=("arn:no:1",)), Configuration()],
    ids=["no such runtime", "no such layer", "nothing"],
)
def test_a_configuration_that_makes_no_sense_is_refused(
    world: World, change: Configuration
) -> None:
    with pytest.raises(Refused):
        world.plane.update_configuration(NAME, change, revision=world.revision)


def test_a_version_is_a_snapshot(world: World) -> None:
    version = world.publish().version
    change_arch(world)
    world.clock.sleep(20)
    assert world.plane.machines.state_for_new_sandbox(version) == world.state
    assert world.plane.get_function(NAME, version).arch is Arch.X86_64


def test_nothing_is_published_when_nothing_changed(world: World) -> None:
    assert world.publish().version == "1"
    assert world.publish().version == "1"
    world.change_handler()
    world.clock.sleep(5)
    assert world.publish().version == "2"


def test_another_package_than_the_wanted_one_is_not_published(world: World) -> None:
    with pytest.raises(Refused, match="CodeSHA256"):
        world.plane.publish_version(NAME, code_sha256="x", revision=world.revision)


def test_a_version_can_be_invoked_when_it_is_no_longer_pending(world: World) -> None:
    now = world.plane.get_function(NAME)
    version = world.plane.publish_version(NAME, code_sha256=now.code_sha256, revision=now.revision)
    assert not version.is_active
    with pytest.raises(Conflict, match="Pending"):
        world.plane.invoke(NAME, b"{}", qualifier=version.version)
    world.clock.sleep(2)
    assert world.plane.invoke(NAME, b"{}", qualifier=version.version).error_type is None


def test_an_alias_sends_a_share_to_a_second_version(world: World) -> None:
    first = world.publish().version
    world.change_handler()
    world.clock.sleep(5)
    second = world.publish().version
    world.plane.aliases.put(
        Alias(name="live", version=first, other_version=second, other_weight=0.1)
    )
    drawn = [world.plane.aliases.route("live") for _ in range(2000)]
    assert 120 < drawn.count(second) < 280
    assert set(drawn) == {first, second}


def test_an_alias_has_published_versions_only_where_it_has_two(world: World) -> None:
    version = world.publish().version
    for alias in (
        Alias(name="live", version=version, other_version=LATEST, other_weight=0.5),
        Alias(name="live", version=version, other_version=version, other_weight=0.5),
    ):
        with pytest.raises(Refused):
            world.plane.aliases.put(alias)
    with pytest.raises(NotFound):
        world.plane.aliases.put(Alias(name="live", version="7"))


def test_an_alias_moves_and_back(world: World) -> None:
    first = world.publish().version
    world.plane.aliases.put(Alias(name="live", version=first))
    world.change_handler()
    world.clock.sleep(5)
    second = world.publish().version
    for version in (second, first):
        guard = world.plane.get_alias(NAME, "live").revision
        moved = Alias(name="live", version=version, revision=guard)
        assert world.plane.update_alias(NAME, moved).version == version
        assert world.plane.aliases.route("live") == version
        assert world.plane.get_function(NAME, "live").version == version


def test_a_layers_version_is_found_by_its_bytes(world: World, tmp_path: Path) -> None:
    layer = read_zip(zipped(tmp_path / "l.zip", {"extensions/a": b"#!/bin/sh\n"}))
    other = read_zip(zipped(tmp_path / "m.zip", {"extensions/b": b"#!/bin/sh\n"}))
    assert world.plane.find_layer("tools", layer) is None
    arns = [
        world.plane.publish_layer("tools", one, architectures=()) for one in (layer, layer, other)
    ]
    assert [arn.rpartition(":")[2] for arn in arns] == ["1", "2", "3"]
    assert world.plane.find_layer("tools", layer) == arns[1]
    assert world.plane.find_layer("others", layer) is None


def test_more_calls_than_lambda_takes_are_throttled_until_time_has_passed(world: World) -> None:
    world.plane.aliases.put(Alias(name="live", version=LATEST))
    rates = read_rates()
    for _ in range(int(rates[OTHERS])):
        world.plane.get_alias(NAME, "live")
    with pytest.raises(Throttled) as caught:
        world.plane.get_alias(NAME, "live")
    assert caught.value.retry_after == 1
    world.plane.invoke(NAME, b"{}")
    for _ in range(int(rates["GetFunction"])):
        world.plane.get_function(NAME)
    with pytest.raises(Throttled):
        world.plane.get_function(NAME)
    world.clock.sleep(1 / rates[OTHERS])
    world.plane.get_alias(NAME, "live")
    with pytest.raises(Throttled):
        world.plane.get_alias(NAME, "live")


def test_functions_of_an_account_share_its_rates(world: World) -> None:
    budget = Budget(world.clock, {OTHERS: 3})
    planes = [
        ControlPlane(world.clock, Random(1), name=NAME, timing=world.timing, budget=budget)
        for _ in range(2)
    ]
    for plane in planes:
        plane.create(world.state, read_zip(world.state.package))
        plane.aliases.put(Alias(name="live", version=LATEST))
    for plane in (*planes, planes[0]):
        plane.get_alias(NAME, "live")
    with pytest.raises(Throttled):
        planes[1].get_alias(NAME, "live")


def test_an_update_can_fail_on_demand_and_changes_nothing_then(world: World) -> None:
    world.plane.failing_update = "FunctionError.InvalidEntryPoint"
    change_arch(world)
    world.clock.sleep(9)
    now = world.plane.get_function(NAME)
    assert (now.update, now.reason_code) == (UpdateStatus.FAILED, "FunctionError.InvalidEntryPoint")
    assert world.plane.machines.state_for_new_sandbox(LATEST) == world.state


def test_a_failure_stays_until_another_update_succeeds_with_all_that_is_shown(
    world: World,
) -> None:
    world.plane.failing_update = "InternalError"
    change_arch(world)
    world.clock.sleep(100)
    assert world.plane.get_function(NAME).update is UpdateStatus.FAILED
    world.change_handler()
    world.clock.sleep(5)
    assert world.plane.get_function(NAME).update is UpdateStatus.SUCCESSFUL
    assert world.plane.machines.newest_state(LATEST) == replace(world.on_arm64, handler="bills")


def test_a_call_or_its_answer_can_be_lost_on_demand(world: World) -> None:
    lost = Throttled("lost")
    world.plane.faults = [Fault(call="update_configuration", error=lost)]
    with pytest.raises(Throttled):
        world.change_handler()
    assert world.plane.get_function(NAME).handler == "orders"
    world.plane.faults = [Fault(call="update_configuration", error=lost, is_carried_out=True)]
    with pytest.raises(Throttled):
        world.change_handler()
    assert world.plane.get_function(NAME).handler == "bills"


def test_another_function_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.plane.get_function("other")
    with pytest.raises(NotFound):
        world.plane.get_alias(NAME, "live")
