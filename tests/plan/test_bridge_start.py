"""Layers with which the one call succeeds that Lambda takes where it updates a runtime no more."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.plan.bridge.planning import Bridged, Unbridged, find_bridged_plan
from shim.plan.bridge.start import LAUNCHER, PROGRAM
from shim.plan.refusals import refusal
from shim.plan.step import UpdateConfiguration
from shim.plan.wording import brief
from tests.check.builders import entry, launcher, package, program
from tests.check.oracle.programs import Programs
from tests.check.oracle.roots import cache_folder
from tests.plan.builders import AL2, GO, bare, extension, layer, single, state
from tests.plan.test_bridge import FOR_AL2, native
from tests.requirements import require_zig

if TYPE_CHECKING:
    from shim.check.state import State
    from shim.package.read import Package

BLOCKED = date(2027, 3, 3)
TODAY = date(2026, 11, 28)

pytestmark = pytest.mark.usefixtures("lean_launchers")


def answer(begin: State, wanted: State, *, day: date | None = BLOCKED) -> Bridged | Unbridged:
    return find_bridged_plan(
        begin,
        wanted,
        verdicts=Verdicts(day=day),
        day=day,
        folder=Path(),
    )


def planned(begin: State, wanted: State, *, day: date | None = BLOCKED) -> Bridged:
    """The plan, whose states all start, and none of whose calls is refused."""
    found = answer(begin, wanted, day=day)
    assert isinstance(found, Bridged), found
    plan, verdicts = found.plan, Verdicts(day=day)
    assert plan.wanted == wanted
    assert all(verdicts.verdict(one).starts for one in plan.states)
    assert not any(map(lambda *one: refusal(*one, day=day), plan.states, plan.steps))
    return found


def calls(found: Bridged) -> list[str]:
    return [brief(step) for step in found.plan.steps]


def from_al2(name: str, data: bytes) -> Package:
    """A launcher, and a handler."""
    return package(entry("bootstrap", launcher()), entry(name, data), path=f"{name}.zip")


def test_a_go1x_program_gets_a_launcher_in_the_call_that_changes_the_runtime() -> None:
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(native(mark=b"new"), handler="bootstrap")
    found = planned(begin, wanted)
    assert calls(found) == [
        "configuration (runtime, layers)",
        "code (x86_64)",
        "configuration (handler, layers)",
    ]
    (bridge,) = found.used
    assert (bridge.kind, bridge.what) == ("bridge layer", LAUNCHER)
    assert [one.name for one in bridge.package.entries] == ["bootstrap"]
    assert found.without is not None


def test_until_that_day_a_package_is_the_bridge_as_ever() -> None:
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(native(mark=b"new"), handler="bootstrap")
    (bridge,) = planned(begin, wanted, day=TODAY).used
    assert bridge.kind == "bridge package"
    assert not isinstance(planned(begin, wanted, day=TODAY).plan.steps[0], UpdateConfiguration)


def test_the_function_comes_to_another_architecture_too() -> None:
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(native(Arch.ARM64), handler="bootstrap", arch=Arch.ARM64)
    assert len(planned(begin, wanted).plan.steps) == 3


def test_the_functions_own_layers_stay_while_the_old_package_needs_them() -> None:
    agent = extension(Arch.X86_64)
    begin = state(bare("main"), runtime=GO, handler="main", layers=(agent,))
    found = planned(begin, state(native(), handler="bootstrap", layers=(agent,)))
    assert found.plan.states[1].layers == (agent, found.used[0].package)


def test_a_program_that_starts_on_the_old_runtime_alone_is_replaced_by_the_new_one() -> None:
    begin = state(from_al2("old", FOR_AL2), handler="old", runtime=AL2)
    found = planned(begin, state(from_al2("new", program(mark=b"new")), handler="new"))
    assert calls(found) == [
        "configuration (runtime, handler, layers)",
        "code (x86_64)",
        "configuration (layers)",
    ]
    (bridge,) = found.used
    assert bridge.what == PROGRAM
    assert [one.name for one in bridge.package.entries] == ["new"]


def test_where_both_have_one_name_the_layers_program_gets_another_until_the_end() -> None:
    require_zig()
    # Of the two runtimes' images that of Amazon Linux 2 alone has it.
    compiled = Programs(arch=Arch.X86_64, cache=cache_folder() / "programs")
    code = from_al2("bin/orders", compiled.asking("libexpat.so.1", ""))
    begin = state(code, handler="bin/orders", runtime=AL2)
    wanted = state(single(Arch.X86_64, "bin/orders", path="new.zip"), handler="bin/orders")
    found = planned(begin, wanted)
    assert [one.handler for one in found.plan.states] == [
        *("bin/orders", "bin/orders-bridge", "bin/orders-bridge", "bin/orders"),
    ]


def test_a_handler_renamed_takes_three_calls_today_too_where_packages_take_four_or_none() -> None:
    """Of both packages no one can be made: both have a file `version`."""
    files = {name: from_al2(name, data) for name, data in (("old", FOR_AL2), ("new", program()))}
    old = package(*files["old"].entries, entry("version", b"1"), path="old.zip")
    perl = entry("new", b"#!/usr/bin/perl\n")
    new = package(files["new"].entries[0], perl, entry("version", b"2"), path="new.zip")
    begin = state(old, handler="old", runtime=AL2)
    found = planned(begin, state(new, handler="new", runtime="debian-bookworm"), day=TODAY)
    assert [one.what for one in found.used] == [PROGRAM]
    assert len(found.plan.steps) == 3


def test_a_bootstrap_that_is_the_program_can_not_be_got_past_and_the_reason_says_so() -> None:
    begin = state(package(entry("bootstrap", FOR_AL2)), handler="x", runtime=AL2)
    found = answer(begin, state(native(), handler="x"))
    assert isinstance(found, Unbridged)
    assert any("comes before a layer's, and goes on to no handler" in one for one in found.reasons)


def test_without_a_program_for_the_functions_own_architecture_the_reason_names_it() -> None:
    begin = state(from_al2("old", FOR_AL2), handler="old", runtime=AL2)
    found = answer(
        begin, state(single(Arch.ARM64, "new"), handler="new", arch=Arch.ARM64), day=BLOCKED
    )
    assert isinstance(found, Unbridged)
    assert any("has no program for x86_64" in one for one in found.reasons)


def test_five_layers_leave_no_room_for_a_sixth() -> None:
    five = tuple(layer(entry(f"data{n}", b"x"), path=f"{n}.zip") for n in range(5))
    begin = state(bare("main"), runtime=GO, handler="main", layers=five)
    found = answer(begin, state(native(), handler="bootstrap", layers=five))
    assert isinstance(found, Unbridged)
    assert any("a bridge layer can't be there: there are 6 layers" in one for one in found.reasons)
