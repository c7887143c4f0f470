"""What the tests of verdicts share."""

from __future__ import annotations

import pytest

from shim.arch import Arch
from tests.check.oracle.programs import Programs
from tests.requirements import require_zig


@pytest.fixture(scope="session")
def compiled(request: pytest.FixtureRequest) -> Programs:
    """Real programs for x86_64."""
    require_zig()
    assert request.config.cache is not None
    return Programs(arch=Arch.X86_64, cache=request.config.cache.mkdir("oracle-programs"))
