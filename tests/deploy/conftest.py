"""What the tests of executors share with those of the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plan.worlds import World

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A function on a control plane in memory."""
    return World(folder=tmp_path)
