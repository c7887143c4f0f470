"""`shim deploy`: carries plans out, for one function or for many."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shim.check.verdicts import Verdicts
from shim.cli import options
from shim.cli.change_options import add_change_arguments
from shim.cli.deploying import Accounts, add_running, ask, carry_out, terms_of
from shim.cli.engine import print_definition, run_engine
from shim.cli.engine_options import add_engine, check_engine
from shim.cli.folders import SUFFIX, deployment_folders
from shim.cli.iam import print_consumers_policy, print_deploying_policy
from shim.cli.terminal import open_console
from shim.cli.text.deploy import show_calls, show_many, show_plan
from shim.cli.traffic import add_traffic, check_traffic, read_transition
from shim.deploy.beforehand import look_ahead
from shim.deploy.calls import calls_left
from shim.deploy.deployment import deploy
from shim.document import document, encode
from shim.errors import ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from shim.deploy.beforehand import Terms
    from shim.deploy.folder import DeploymentFolder

DESCRIPTION = """\
Carry plans out: each call when the last has taken hold, and none over somebody else's change.

Given are deployment folders (or folders of them: all that are in there), or a plan that `shim plan
--output` saved, or what `shim plan` takes. Of the latter two a deployment folder is made first: it
keeps the plan, all its zips, the old ones too, and the record of what was sent.

Before anything is touched the plan is held against the function as it is, its states are judged
again, and the code call is tried as a dry run. Then the plan is shown and asked about. Killed at
any point, the same command goes on; once all is done it changes nothing. `shim rollback FOLDER`
leads back."""

EPILOG = """\
examples:
  shim deploy plan.json --function orders
  shim deploy --function orders --package new.zip --arch arm64
  shim deploy orders.deployment --dry-run
  shim deploy deployments --canary 5 --abort-on-failures 3

exit status: 0 each function is what was wanted; 1 one isn't, or something stands against it; 2 bad
usage or input; 3 this machine, or the account, could not do it; 130 interrupted"""

CALLS_FORMAT = 1
"""Of what --dry-run prints as JSON; counted up when a reader must know of a change."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "what", nargs="*", type=options.file_path, metavar="FOLDER|PLAN", help="what is carried out"
    )
    parser.add_argument(
        "--into",
        type=options.file_path,
        metavar="FOLDER",
        help=f"the deployment folder that is made (default: by the plan's or function's name, with"
        f" {SUFFIX})",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print every call that would be sent, and send none"
    )
    parser.add_argument(
        "--iam-consumers",
        action="store_true",
        help="only print the policy with which callers may invoke the alias, and not $LATEST",
    )
    options.add_allow_unknown(parser)
    add_running(parser)
    add_change_arguments(parser)
    add_traffic(parser)
    add_engine(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Show what will be sent, ask, send it, show how it ended."""
    check_engine(arguments)
    if arguments.print:
        return print_definition()
    terms = terms_of(arguments, allow_unknown=arguments.allow_unknown)
    folders = deployment_folders(arguments, day=terms.day)
    check_traffic(arguments, folders)
    if arguments.engine:
        accounts = Accounts(arguments, is_for_one=len(folders) == 1)
        return run_engine(folders, accounts=accounts, arguments=arguments, terms=terms)
    if arguments.iam:
        return print_deploying_policy(folders, arguments)
    if arguments.iam_consumers:
        return print_consumers_policy(folders, arguments)
    accounts = Accounts(arguments, read_transition(arguments), is_for_one=len(folders) == 1)
    is_open = _show(folders, accounts, arguments, terms)
    if arguments.dry_run:
        return ExitCode.OK
    what = "this" if len(folders) == 1 else f"these {len(folders)} deployments"
    if is_open and not ask(f"carry {what} out?", arguments):
        return ExitCode.NO
    work = partial(deploy, terms=terms)
    return carry_out(folders, work, accounts=accounts, arguments=arguments)


def _show(
    folders: Sequence[DeploymentFolder],
    accounts: Accounts,
    arguments: argparse.Namespace,
    terms: Terms,
) -> bool:
    """What will be sent, or with --dry-run would be; whether there is anything left."""
    console = open_console(no_color=arguments.no_color)
    if len(folders) > 1 and not arguments.dry_run:
        if not arguments.json:
            show_many((folder.read() for folder in folders), console)
        return True
    verdicts = Verdicts(day=terms.day)
    shown, is_open = [], False
    for folder in folders:
        deployment = folder.read()
        api = accounts.connect(deployment.target)
        transition = accounts.transition(deployment.target)
        look = partial(look_ahead, transition=transition, verdicts=verdicts, terms=terms)
        outlook = accounts.look(partial(look, deployment, api))
        left = list(calls_left(deployment, outlook, arguments.codedeploy))
        is_open |= bool(left)
        shown += left
        if not arguments.json:
            show_plan(deployment, outlook, verdicts=verdicts, console=console)
            if arguments.dry_run:
                show_calls(left, console)
    if arguments.json and arguments.dry_run:
        print(encode(document(CALLS_FORMAT, {"calls": shown})))
    return is_open
