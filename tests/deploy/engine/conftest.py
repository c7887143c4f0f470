"""The engine in an account, with functions that it can be handed plans for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.deploy.engine.interpreter import Engine, make_whole

if TYPE_CHECKING:
    from tests.aws.wire.server import Cloud


@pytest.fixture
def engine(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An account in which a second passes in a fiftieth."""
    cloud.speed = 50.0
    make_whole(monkeypatch, cloud)
    return Engine(cloud=cloud)
