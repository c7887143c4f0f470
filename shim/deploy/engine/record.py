"""Writes what an engine did into the records of the deployment folders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.deploy.deployment import without_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from shim.deploy.engine.order import Order
    from shim.deploy.engine.run import Result
    from shim.deploy.folder import DeploymentFolder

    Orders = Mapping[DeploymentFolder, Order]


def begin_records(orders: Orders, execution: str, *, now: Callable[[], datetime]) -> None:
    """Say which execution the deployments were handed to."""
    for folder, order in orders.items():
        with folder.at_work(now) as record:
            record.write(
                "begin",
                command="deploy",
                function=order.deployment.target.address,
                state=order.index,
                execution=execution,
            )


def end_records(
    orders: Orders, results: Iterable[Result], *, now: Callable[[], datetime]
) -> Iterator[tuple[DeploymentFolder, Result]]:
    """Say what became of each; in what is written, and returned, are no values."""
    for (folder, order), result in zip(orders.items(), results, strict=True):
        problem = without_values(result.problem, order.plan)
        with folder.at_work(now) as record:
            for made in result.made:
                record.write("answer", call=made.call, gave=made.gave, error=None, reason="")
            record.write("end", problem=problem or None)
        yield folder, replace(result, problem=problem)
