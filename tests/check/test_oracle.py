"""Some hundred random states, started for real in Debian root folders: the verdict must be right.

The full campaign is `python -m tests.check.oracle.campaign ARCH RUNTIME COUNT`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.check.oracle.campaign import campaign
from tests.check.oracle.roots import require_roots
from tests.requirements import require_zig

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = [
    (Arch.X86_64, "debian-bookworm", 40_000, 150, False),
    (Arch.X86_64, "debian-bullseye", 50_000, 100, False),
    (Arch.ARM64, "debian-bookworm", 60_000, 50, False),
    (Arch.X86_64, "debian-bookworm", 70_000, 80, True),
    (Arch.X86_64, "debian-bullseye", 80_000, 60, True),
    (Arch.ARM64, "debian-bookworm", 90_000, 30, True),
]
"""Architecture, runtime, first seed and number of states, and whether they are only what asks much
of the dynamic linker; SHIM_ORACLE_SEED takes other seeds."""


@pytest.mark.usefixtures("lean_launchers")
@pytest.mark.parametrize(("arch", "runtime", "seed", "count", "is_linked"), COUNTS)
def test_the_verdict_agrees_with_real_starts(
    arch: Arch, runtime: str, seed: int, count: int, tmp_path: Path, *, is_linked: bool
) -> None:
    require_zig()
    require_roots(arch)
    first = int(os.environ.get("SHIM_ORACLE_SEED", seed))
    print(f"{arch} {runtime}: seeds {first} to {first + count - 1}")  # noqa: T201 - to repeat it
    tmp_path.chmod(0o755)
    seeds = range(first, first + count)
    tally = campaign(arch, runtime, seeds, folder=tmp_path, is_linked=is_linked)
    assert tally.disagreed == []
    assert tally.agreed_starts > count // 10
    assert tally.agreed_fails > count // 10
