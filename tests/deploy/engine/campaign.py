"""What takes too long for every test run: `python -m tests.deploy.engine.campaign WHAT`.

`faults`: every answer that a call can have. A number: so many functions, carried out at the
account's own rates, each update taking 6 to 12 seconds. How near does it come to what those allow?
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from shim.aws.pace import OTHERS, read_rates
from shim.deploy.engine.run import WAIT
from shim.plan.plan import Plan
from shim.simulate.timing import Timing
from tests.aws.wire.server import Cloud, serving
from tests.deploy.engine.faults import check_faults, fault_table
from tests.deploy.engine.interpreter import Engine, make_whole, plan_of
from tests.plan.worlds import World

if TYPE_CHECKING:
    from collections.abc import Callable

SPEED = 0.15
"""Of the account's clock: slow enough for the interpreter to keep up."""


def faults(engine: Engine, plan: Plan) -> None:
    """The whole table."""
    engine.cloud.speed = 50.0
    table = fault_table()
    for fault, _ in table:
        engine.cloud.account().create(fault.function, plan.begin)
    check_faults(engine, plan, table)
    print(f"{len(table)} answers, each as it has to be")


def many(engine: Engine, plan: Plan, number: int) -> None:
    """So many functions of one call each."""
    cloud = engine.cloud
    cloud.speed = SPEED
    one = Plan(begin=plan.begin, steps=plan.steps[:1])
    names = [f"orders-{index}" for index in range(number)]
    for name in names:
        cloud.account().create(name, plan.begin)
    neighbour = _neighbour(cloud)
    begun, cpu = cloud.clock.now, time.process_time()
    rate = read_rates()[OTHERS]
    results = engine.run(
        dict.fromkeys(names, one), wait=round(WAIT / SPEED), concurrency=int(rate * WAIT)
    )
    seconds, cpu = cloud.clock.now - begun, time.process_time() - cpu
    refused = neighbour()
    lost = [one for one in results.values() if one.problem]
    # The last ones take hold after the last call.
    least = number / rate + WAIT
    print(
        f"{number} functions in {seconds:.0f} s of the account's time, {least / seconds:.1%} of"
        f" what {rate:g} calls a second allow; {len(lost)} lost; {cpu / seconds * SPEED:.2f} of a"
        f" processor in the interpreter; a neighbour's calls: {refused}"
    )


def _neighbour(cloud: Cloud) -> Callable[[], str]:
    """Somebody else, who makes a call every two seconds; what became of them."""
    ended, calls, refused = threading.Event(), 0, 0
    client = boto3.client("lambda")

    def call() -> None:
        nonlocal calls, refused
        while not ended.wait(2 / cloud.speed):
            calls += 1
            try:
                client.get_function_configuration(FunctionName="orders-0")
            except ClientError:
                refused += 1

    thread = threading.Thread(target=call)
    thread.start()

    def end() -> str:
        ended.set()
        thread.join()
        return f"{refused} of {calls} throttled"

    return end


def _main(word: str) -> None:
    # moto says of each answer that it can't give yet, and is asked again for, that it can't.
    logging.disable()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("cloud", "world"):
            Path(folder, name).mkdir()
        cloud = Cloud(folder=Path(folder, "cloud"))
        if word != "faults":
            cloud.timing = Timing(call=(0.0, 0.0))
        with serving(cloud):
            os.environ.update(cloud.environment())
            make_whole(patch, cloud)
            engine, plan = Engine(cloud=cloud), plan_of(World(folder=Path(folder, "world")))
            if word == "faults":
                faults(engine, plan)
            else:
                many(engine, plan, int(word))


if __name__ == "__main__":
    _main(sys.argv[1])
