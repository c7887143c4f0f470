"""What a test needs of the machine: without it, it is skipped, or fails where all is required."""

from __future__ import annotations

import os

import pytest


def require(condition: bool, reason: str) -> None:  # noqa: FBT001 - reads as a claim at each call
    """Go on where `condition` holds; else skip, or fail under SHIM_TEST_REQUIRE_ALL=1."""
    if condition:
        return
    if os.environ.get("SHIM_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
