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


@pytest.mark.parametrize("number", [0, 1], ids=["a function", "an alias"])
def test_a_deployment_that_went_wrong_comes_to_its_right_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "cloud").mkdir()
    scenario = list(made_up(tmp_path))[number]
    with serving(Plotted(folder=tmp_path / "cloud")) as cloud:
        assert isinstance(cloud, Plotted)
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        first = Stage(cloud, scenario, "first")
        assert first.run() is None
        assert first.problem() == ""
        requests = [call.name for call in cloud.requests]
        # Of each kind the last: it has the most behind it.
        last = {case.fault: case for case in cases(requests) if case.number < len(requests) - 3}
        assert len(last) >= 9
        for index, case in enumerate(last.values()):
            assert check(Stage(cloud, scenario, f"function-{index}"), case) == "", case
