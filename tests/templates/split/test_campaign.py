"""A sample of the campaign; and that it fails where something doesn't hold."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.templates.split.campaign import Knowledge, Tally, hold, hold_deployments, hold_last, made
from tests.templates.split.pairs import World, write

if TYPE_CHECKING:
    from shim.templates.split.split import Split
    from tests.templates.split.pairs import Case, Written

pytestmark = pytest.mark.usefixtures("lean_launchers")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The packages, once for all."""
    return World(tmp_path_factory.mktemp("world"))


def test_a_sample_of_the_campaign_holds(world: World) -> None:
    tally = Tally()
    for number in range(40):
        hold(world, number, tally)
    assert sum(tally.deployments.values()) > 15
    assert len(tally.forms) > 4
    assert tally.found[True]
    assert tally.none.total() > 3


def dangerous(world: World, form: str) -> tuple[Case, Written, Split]:
    """The first change by chance that takes three deployments."""
    for number in range(1000):
        chance = Random(number)
        case = world.case(chance, "F0")
        written = write(world, [case], form, world.folder / f"{form}/{number}", chance)
        done = made(world, written, set())
        if len(done.deployments) == 3:
            return case, written, done
    raise AssertionError


@pytest.mark.parametrize("form", ["yaml", "json", "sam"])
def test_what_does_not_hold_ends_it(world: World, form: str) -> None:
    case, written, done = dangerous(world, form)
    knows = Knowledge(world=world, case=case, form=form, hidden=frozenset())
    hold_deployments(knows, written, done, Tally())
    hold_last(written, done)
    first, _, last = (done.folder / one.files[0] for one in done.deployments)
    text = first.read_text()
    # As if the first did it all.
    first.write_bytes(last.read_bytes())
    with pytest.raises(AssertionError, match=r"two calls in one|F0 fails|Refused"):
        hold_deployments(knows, written, done, Tally())
    first.write_text(text)
    last.write_text(text)
    with pytest.raises(AssertionError):
        hold_last(written, done)
