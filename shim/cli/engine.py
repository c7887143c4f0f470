"""`shim deploy --engine`: hands deployment folders to an engine in the account."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING

from shim.aws.step_functions import Status
from shim.cli.deploying import Accounts, ask, print_outcomes
from shim.cli.engine_options import open_engine
from shim.cli.terminal import print_note, quiet_status, status
from shim.deploy.deployment import Done, Means
from shim.deploy.engine.cost import cost_of
from shim.deploy.engine.definition import definition
from shim.deploy.engine.order import Order, order_of, with_layers
from shim.deploy.engine.permissions import Site, caller_policy, role_policy, trust_policy
from shim.deploy.engine.record import begin_records, end_records
from shim.deploy.engine.run import place, read_results, start, watch
from shim.deploy.many import Ending, Outcome, run_all
from shim.document import encode
from shim.errors import ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from shim.cli.engine_options import OpenEngine
    from shim.deploy.beforehand import Terms
    from shim.deploy.engine.run import Run
    from shim.deploy.folder import DeploymentFolder
    from shim.deploy.many import Stop


def print_definition() -> ExitCode:
    """For people who make the state machine themselves."""
    print(encode(definition()))
    return ExitCode.OK


def run_engine(
    folders: Sequence[DeploymentFolder],
    *,
    accounts: Accounts,
    arguments: argparse.Namespace,
    terms: Terms,
) -> ExitCode:
    """Hand over what can be, and show how each ended."""
    engine = open_engine(arguments)
    if arguments.iam:
        return _print_policies(folders, engine.site)
    engine.bucket.check()
    means = Means(
        connect=accounts.connect,
        transition=accounts.transition,
        clock=accounts.stop,
        random=SystemRandom(),
        now=partial(datetime.now, UTC),
    )
    look = partial(order_of, means=means, terms=terms, place=engine.site.place)
    orders, outcomes = _look_ahead(folders, look, accounts.stop, arguments)
    if orders and not _is_agreed(orders, outcomes, engine, arguments):
        return ExitCode.NO
    if orders:
        outcomes += _carry_out(orders, engine, means, arguments)
    print_outcomes(outcomes, arguments)
    return ExitCode.OK if all(one.is_fine for one in outcomes) else ExitCode.NO


def _print_policies(folders: Sequence[DeploymentFolder], site: Site) -> ExitCode:
    deployments = [folder.read() for folder in folders]
    content = {
        "rolesTrust": trust_policy(site),
        "rolesPolicy": role_policy(deployments, site),
        "callersPolicy": caller_policy(deployments, site),
    }
    print(encode(content))
    return ExitCode.OK


def _look_ahead(
    folders: Sequence[DeploymentFolder],
    look: Callable[[DeploymentFolder], Order],
    stop: Stop,
    arguments: argparse.Namespace,
) -> tuple[Mapping[DeploymentFolder, Order], list[Outcome]]:
    """What can be handed over, and what became of the others."""
    orders: dict[DeploymentFolder, Order] = {}
    failed: list[Outcome] = []

    def one(folder: DeploymentFolder) -> Done:
        orders[folder] = look(folder)
        return Done(calls=0, notes=())

    def ended(outcome: Outcome) -> None:
        if not outcome.is_fine:
            failed.append(outcome)

    with status(f"looking at {len(folders)} functions"):
        run_all(
            folders,
            one,
            stop=stop,
            ended=ended,
            most_failures=arguments.abort_on_failures,
        )
    return {folder: orders[folder] for folder in folders if folder in orders}, failed


def _is_agreed(
    orders: Mapping[DeploymentFolder, Order],
    failed: Sequence[Outcome],
    engine: OpenEngine,
    arguments: argparse.Namespace,
) -> bool:
    cost = cost_of(
        (order.deployment.plan for order in orders.values()), region=engine.site.place.region
    )
    against = f", something stands against {len(failed)} others" if failed else ""
    print_note(f"{len(orders)} functions are handed over{against}")
    dollars = "less than a cent" if cost.dollars < 0.01 else f"${cost.dollars:.2f}"
    print_note(
        f"{cost.transitions:,} state transitions and the requests to S3 cost {dollars} or somewhat"
        f" more (prices of {cost.day})"
    )
    return ask("carry this out?", arguments)


def _carry_out(
    orders: Mapping[DeploymentFolder, Order],
    engine: OpenEngine,
    means: Means,
    arguments: argparse.Namespace,
) -> list[Outcome]:
    with status("publishing layers, uploading plans and zips"):
        handed = [with_layers(order, means) for order in orders.values()]
        batch = place(handed, engine.bucket, prefix=engine.site.prefix)
    run = start(
        batch,
        engine.machines,
        engine.machine(),
        wait=arguments.wait,
        tolerated=(arguments.abort_on_failures or len(orders) + 1) - 1,
    )
    print_note(f"it goes on in the account, whatever becomes of this process: {run.execution}")
    begin_records(orders, run.execution, now=means.now)
    _wait(run, engine)
    with status("reading the results"):
        results = [*read_results(run)]
    return [
        Outcome(
            folder=folder,
            ending=_ending(bool(result.problem), len(result.made)),
            calls=len(result.made),
            problem=result.problem,
        )
        for folder, result in end_records(orders, results, now=means.now)
    ]


def _ending(has_problem: bool, calls: int) -> Ending:  # noqa: FBT001 - it is what decides
    if has_problem:
        return Ending.FAILED
    return Ending.CHANGED if calls else Ending.UNCHANGED


def _wait(run: Run, engine: OpenEngine) -> None:
    with quiet_status() as show:
        for now in watch(run.execution, engine.machines, sleep=time.sleep):
            counts = ", ".join(f"{number} {name}" for name, number in now.counts.items() if number)
            show(counts or "starting")
    if now.status is not Status.SUCCEEDED:
        print(f"the execution has ended as {now.status}: {now.problem}", file=sys.stderr)
