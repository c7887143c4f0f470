"""The options of how traffic on an alias gets to a new version, and what they say."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.request import read_event
from shim.deploy.expected import Expected
from shim.deploy.transition import PAUSE_SECONDS, Handover, Transition, Watch
from shim.errors import InputError
from shim.fields import read_json
from shim.plan.alias import AliasPlan

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Arguments
    from collections.abc import Callable, Iterable

    from shim.aws.codedeploy import Group
    from shim.aws.connection import Connection
    from shim.deploy.folder import DeploymentFolder

_DAY = 86_400


def add_traffic(parser: argparse.ArgumentParser) -> None:
    """Add what is asked of a version before it has an alias's traffic, and how it gets that."""
    group = parser.add_argument_group("traffic on an alias")
    add = group.add_argument
    options.add_event(group)
    add(
        "--expect",
        metavar="FILE|-|JSON",
        help="what its answer has to have in it (default: any but an error will do)",
    )
    add_pause(group)
    add(
        "--alarm",
        action="append",
        default=[],
        type=options.text,
        metavar="NAME",
        dest="alarms",
        help="a CloudWatch alarm that brings all traffic back while it is watched; once for each",
    )
    add(
        "--codedeploy",
        type=_group,
        metavar="APPLICATION/GROUP",
        help="let this deployment group of CodeDeploy's move the traffic, as it is set up to",
    )
    options.add_shares(group)


def add_pause(parser: Arguments) -> None:
    """Add `--pause`."""
    parser.add_argument(
        "--pause",
        type=options.whole_number(0, _DAY),
        default=int(PAUSE_SECONDS),
        metavar="SECONDS",
        help="how long each share of the traffic is left as it is, and alarms are watched"
        f" (default: {PAUSE_SECONDS:.0f})",
    )


def check_traffic(arguments: argparse.Namespace, folders: Iterable[DeploymentFolder]) -> None:
    """Refuse what is asked of an alias's traffic where no plan is for any."""
    asked = {
        "--event": arguments.event,
        "--expect": arguments.expect,
        "--alarm": arguments.alarms,
        "--codedeploy": arguments.codedeploy,
    }
    given = [name for name, value in asked.items() if value]
    if given and not any(isinstance(folder.read().plan, AliasPlan) for folder in folders):
        raise InputError(
            f"{given[0]} is for traffic on an alias, and the plan is for traffic on the function",
            hint="make the plan with `--alias NAME`",
        )


def read_transition(arguments: argparse.Namespace) -> Callable[[Connection], Transition]:
    """What was asked for, in an account that is given later; files are read now."""
    event = read_event(arguments.event) or Transition().event
    answer = read_event(arguments.expect, what="answer that is expected")
    expected = None if answer is None else Expected(value=read_json(answer).value)
    if arguments.codedeploy and (arguments.alarms or arguments.shares):
        raise InputError("with --codedeploy its group says which alarms and which shares there are")

    def transition(connection: Connection) -> Transition:
        return Transition(
            event=event,
            expected=expected,
            pause=arguments.pause,
            watch=_watch(arguments.alarms, connection),
            handover=_handover(arguments.codedeploy, connection),
        )

    return transition


def _watch(names: list[str], connection: Connection) -> Watch | None:
    if not names:
        return None
    # What few runs need.
    from shim.aws.alarms import BotoAlarms, RecentAlarms

    alarms = BotoAlarms(connection.client("cloudwatch"))
    return Watch(alarms=RecentAlarms(alarms, now=time.monotonic), names=tuple(dict.fromkeys(names)))


def _handover(group: Group | None, connection: Connection) -> Handover | None:
    if group is None:
        return None
    # The same.
    from shim.aws.codedeploy import BotoCodeDeploy

    return Handover(codedeploy=BotoCodeDeploy(connection.client("codedeploy")), group=group)


def _group(word: str) -> Group:
    from shim.aws.codedeploy import Group

    application, slash, name = options.text(word).partition("/")
    if not (application and slash and name):
        raise argparse.ArgumentTypeError(f"not APPLICATION/GROUP: {word}")
    return Group(application=application, name=name)
