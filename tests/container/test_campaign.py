"""A few random states, started in containers: the verdict must be right.

The full campaign is `python -m tests.container.campaign ARCH RUNTIME COUNT --rie FILE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.emulate.container import Containers
from shim.emulate.image import container_engine
from tests.container.campaign import campaign
from tests.emulator import pinned_emulator
from tests.requirements import require_zig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.usefixtures("lean_launchers")
@pytest.mark.parametrize(
    ("arch", "runtime", "first"),
    [(Arch.X86_64, "debian-bookworm", 1000), (Arch.ARM64, "debian-bullseye", 2000)],
)
def test_the_verdict_agrees_with_starts_in_containers(
    arch: Arch,
    runtime: str,
    first: int,
    runtime_image: Callable[[str, Arch], str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    require_zig()
    image, program = runtime_image(runtime, arch), pinned_emulator(request.config)
    with (
        container_engine() as engine,
        Containers(engine, image, program=program, folder=tmp_path / "marks") as place,
    ):
        tally = campaign(arch, runtime, 6, first=first, place=place, folder=tmp_path)
    assert tally.disagreed == []
    assert tally.agreed_starts
    assert tally.agreed_fails
