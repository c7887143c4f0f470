"""What the tests of `shim bench` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.shared import alone

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def page_cache() -> Iterator[None]:
    """The machine's page cache and its disks' read-ahead, for this test alone."""
    with alone("page-cache"):
        yield
