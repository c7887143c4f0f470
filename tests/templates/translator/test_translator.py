"""A few templates of the campaign, and that it finds what is wrong."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.templates.translator.compare import compare
from tests.templates.translator.generate import made

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(40)


def test_sams_source_is_read_as_what_its_translator_makes_of_it_and_as_it_is_by_hand(
    tmp_path: Path,
) -> None:
    assert [one for seed in SEEDS for one in compare(made(Random(seed)), tmp_path)] == []


@pytest.mark.parametrize("name", ["Runtime", "Layers", "Environment", "Role", "Code"])
def test_a_setting_that_differs_is_found(name: str, tmp_path: Path) -> None:
    one = made(Random(1))
    functions = (
        each for each in one.plain["Resources"].values() if "Runtime" in each["Properties"]
    )
    next(functions)["Properties"][name] = {"Other": "x"}
    [found] = compare(one, tmp_path)
    assert found.startswith("plain functions ")
