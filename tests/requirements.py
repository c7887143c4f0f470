"""What a test needs of the machine: without it, it is skipped, or fails where all is required."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.emulate.standin import can_run

if TYPE_CHECKING:
    from shim.arch import Arch


def require(condition: bool, reason: str) -> None:  # noqa: FBT001 - reads as a claim at each call
    """Go on where `condition` holds; else skip, or fail under SHIM_TEST_REQUIRE_ALL=1."""
    if condition:
        return
    if os.environ.get("SHIM_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def require_zig() -> None:
    """What compiles the tests' programs for every machine."""
    require(find_spec("ziglang") is not None, "ziglang is not installed")


def require_runs(arch: Arch) -> None:
    """A machine that runs programs of `arch`, by itself or by qemu."""
    require(can_run(arch), f"programs for {arch} don't run here: install qemu-user-static")


def require_unregistered(start: bytes) -> None:
    """A machine on which nothing is registered that runs what begins so, as mono does Windows's."""
    formats = Path("/proc/sys/fs/binfmt_misc").glob("[!rs]*")
    named = [one.name for one in formats if f"magic {start.hex()}\n" in one.read_text()]
    require(not named, f"binfmt_misc runs what is no program for Lambda: {', '.join(named)}")
