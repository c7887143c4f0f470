"""A sample of `python -m tests.deploy.faults.campaign`: some of its cases, each of its kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.aws.wire.server import serving
from tests.deploy.faults.campaign import check
from tests.deploy.faults.cases import cases
from tests.deploy.faults.scenarios import made_up
from tests.deploy.faults.stage import Plotted, Stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("which", [0, 1], ids=["a function", "an alias"])
def test_a_deployment_that_went_wrong_comes_to_its_right_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    (tmp_path / "cloud").mkdir()
    scenario = list(made_up(tmp_path))[which]
    with serving(Plotted(folder=tmp_path / "cloud")) as cloud:
        assert isinstance(cloud, Plotted)
        for name in cloud.environment():
            # Each run sets them to its own account's.
            monkeypatch.setenv(name, "")
        first = Stage(cloud, scenario, 1)
        assert first.run() is None
        assert first.problem() == ""
        requests = [call.name for call in cloud.requests]
        # Of each kind the last: it has the most behind it.
        last = {case.fault: case for case in cases(requests) if case.number < len(requests) - 3}
        assert len(last) >= 9
        for number, case in enumerate(last.values(), start=2):
            assert check(Stage(cloud, scenario, number), case) == "", case
