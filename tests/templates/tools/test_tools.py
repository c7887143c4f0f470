"""A few functions of the campaign, by each tool."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.templates.tools.compare import COMMANDS, compare
from tests.templates.tools.functions import drawn

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("tool", COMMANDS)
def test_what_a_tool_makes_of_functions_is_read_as_what_a_hand_does(
    tool: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert request.config.cache is not None
    random = Random(1)
    functions = [drawn(random, f"shop-{number}") for number in range(25)]
    assert compare(tool, functions, tmp_path, request.config.cache.mkdir("projects")) == []
