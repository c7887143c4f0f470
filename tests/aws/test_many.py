"""Many functions deployed at once: a small sample of `python -m tests.aws.campaign`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.aws.many import deploy_many, make_deployments, neighbour
from tests.aws.wire.server import WireFault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.aws.wire.server import Cloud

FUNCTIONS, BALLAST = 12, 4 << 20


def test_none_is_lost_beside_a_neighbour_and_where_calls_fail(cloud: Cloud, tmp_path: Path) -> None:
    cloud.speed, folder = 5.0, tmp_path / "deployments"
    wanted = make_deployments(cloud, folder, functions=FUNCTIONS, ballast=BALLAST)
    cloud.faults = [
        WireFault(operation="GetFunction", error="ServiceException"),
        WireFault(operation="UpdateFunctionCode", error="TooManyRequestsException"),
        WireFault(operation="UpdateFunctionCode"),
        WireFault(operation="UpdateFunctionConfiguration", is_carried_out=True),
    ]
    with neighbour(cloud, rate=10) as other:
        measured = deploy_many(cloud, folder, wanted)
    assert (measured.status, measured.changed) == (0, FUNCTIONS), measured.said
    assert other.taken > 0
    assert not cloud.faults
    # Itself, and four uploads, each of which has its zip some five times over: not all twelve.
    assert measured.peak < 230 << 20

    before = len(cloud.calls)
    again = deploy_many(cloud, folder, wanted)
    assert (again.status, again.changed) == (0, FUNCTIONS), again.said
    assert set(cloud.calls[before:]) == {"GetFunction"}, "what was done is not done again"
