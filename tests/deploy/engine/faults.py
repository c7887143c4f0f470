"""What each call can be answered, and what a run of the state machine has to make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

from shim.aws.api import Denied, NotFound, Refused
from shim.aws.outcome import BY_CODE
from shim.plan.step import UpdateCode, UpdateConfiguration
from tests.aws.wire.server import REGION, WireFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.plan.plan import Plan
    from tests.deploy.engine.interpreter import Engine

_FINAL = (Denied, NotFound, Refused)


def fault_table() -> list[tuple[WireFault, bool]]:
    """Each answer that botocore's model lists, and none at all; whether it is the function's end.

    Each is for a function of its own, and happens once: to a call that was carried out, too.
    """
    model = boto3.client("lambda", region_name=REGION).meta.service_model
    table: list[tuple[WireFault, bool]] = []
    for operation in ("GetFunction", UpdateCode.CALL, UpdateConfiguration.CALL):
        codes = [shape.name for shape in model.operation_model(operation).error_shapes]
        for code in ("", *codes):
            for is_carried_out in (False, True)[: 1 + (operation != "GetFunction")]:
                fault = WireFault(
                    operation=operation,
                    error=code,
                    is_carried_out=is_carried_out,
                    function=f"orders-{len(table)}",
                )
                table.append((fault, bool(code) and issubclass(BY_CODE[code], _FINAL)))
    return table


def check_faults(engine: Engine, plan: Plan, table: Sequence[tuple[WireFault, bool]]) -> None:
    """Run all at once; what ended is run again, and comes to its end then."""
    engine.cloud.faults = [fault for fault, _ in table]
    results = engine.run({fault.function: plan for fault, _ in table})
    for fault, is_final in table:
        problem = results[fault.function].problem
        assert bool(problem) is is_final, (fault, problem)
        assert problem.startswith(f"Lambda.{fault.error}: made to fail" if is_final else ""), fault
    failed = {fault.function: plan for fault, is_final in table if is_final}
    assert not any(one.problem for one in engine.run(failed).values())
