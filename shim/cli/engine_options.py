"""The options of `shim deploy --engine`, and what in the account they lead to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shim.aws.bucket import Bucket
from shim.aws.permissions import Place
from shim.aws.step_functions import StateMachines
from shim.cli import options
from shim.cli.connecting import open_connection
from shim.deploy.engine.definition import definition
from shim.deploy.engine.permissions import Site
from shim.deploy.engine.run import WAIT
from shim.document import encode
from shim.errors import InputError

if TYPE_CHECKING:
    import argparse

_PREFIX = "shim/"
_ARN_PARTS = 6


class Engine(StrEnum):
    """What carries deployments out in the account."""

    STEP_FUNCTIONS = "step-functions"


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add what hands deployments over."""
    group = parser.add_argument_group("carried out in the account, by an engine")
    add = group.add_argument
    add(
        "--engine",
        type=options.one_of(Engine),
        metavar="NAME",
        help=f"{Engine.STEP_FUNCTIONS}: AWS Step Functions, one state machine for all functions;"
        " plans, zips and results lie in --s3-bucket",
    )
    add(
        "--prefix",
        type=options.text,
        default=_PREFIX,
        metavar="TEXT",
        help=f"of the keys there (default: {_PREFIX})",
    )
    add("--role", type=options.text, metavar="ARN", help="the state machine's, which shim makes")
    add(
        "--state-machine",
        type=options.text,
        metavar="ARN",
        help="instead of --role: one that is there, with the definition that --print prints",
    )
    add(
        "--wait",
        type=options.whole_number(1, 300),
        default=WAIT,
        metavar="SECONDS",
        help=f"after each call, before it is asked whether it has taken hold (default: {WAIT})",
    )
    add("--print", action="store_true", help="print the state machine's definition, and no more")


def check_engine(arguments: argparse.Namespace) -> None:
    """Raise `InputError` for options that go with no engine, or with none but an engine."""
    own = {"--print": "print", "--role": "role", "--state-machine": "state_machine"}
    others = {
        "--canary": "canary",
        "--dry-run": "dry_run",
        "--iam-consumers": "iam_consumers",
        # What the state machine can't: an answer is held against JSON, alarms are watched, here.
        "--expect": "expect",
        "--alarm": "alarms",
        "--codedeploy": "codedeploy",
    }
    asked = others if arguments.engine else own
    if wrong := [option for option, name in asked.items() if getattr(arguments, name)]:
        way = "with" if arguments.engine else "without"
        raise InputError(f"{wrong[0]} can't go {way} --engine")


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenEngine:
    """In an account."""

    site: Site
    bucket: Bucket
    machines: StateMachines
    arn: str
    """The state machine's, where it is there already."""

    def machine(self) -> str:
        """The ARN of the state machine, which has this shim's definition."""
        text = encode(definition(), indent=None)
        if not self.arn:
            return self.machines.make(self.site.machine, text, role=self.site.role)
        if json.loads(self.machines.definition(self.arn)) != definition():
            raise InputError(
                f"the state machine has another definition than this shim's: {self.arn}",
                hint="`shim deploy --engine step-functions --print` prints that",
            )
        return self.arn


def open_engine(arguments: argparse.Namespace) -> OpenEngine:
    """The account is that of the role, or of the state machine."""
    if not arguments.s3_bucket:
        raise InputError("where are plans, zips and results to lie? `--s3-bucket NAME`")
    if bool(arguments.role) == bool(arguments.state_machine):
        raise InputError(
            "give one of `--role ARN` and `--state-machine ARN`",
            hint="--iam prints what the role may have to do",
        )
    _, partition, _, _, account, name = _parts(arguments.role or arguments.state_machine)
    # All its calls are the same twice.
    connection = open_connection(arguments, tries=5)
    text = encode(definition(), indent=None)
    made = f"shim-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    site = Site(
        place=Place(partition=partition, region=connection.place.region, account=account),
        bucket=arguments.s3_bucket,
        prefix=arguments.prefix.rstrip("/") + "/",
        machine=name.partition(":")[2] if arguments.state_machine else made,
        role=arguments.role or "",
    )
    return OpenEngine(
        site=site,
        bucket=Bucket(connection.client("s3"), arguments.s3_bucket, owner=account),
        machines=StateMachines(connection.client("stepfunctions")),
        arn=arguments.state_machine or "",
    )


def _parts(arn: str) -> list[str]:
    parts = arn.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS:
        raise InputError(f"not an ARN: {arn}")
    return parts
