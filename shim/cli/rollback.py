"""`shim rollback`: brings functions back to what they were before a deployment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.deploying import Accounts, add_running, ask, carry_out, terms_of
from shim.cli.iam import print_deploying_policy
from shim.cli.terminal import open_console
from shim.cli.text.deploy import show_back
from shim.deploy.beforehand import look_back
from shim.deploy.deployment import roll_back
from shim.deploy.folder import find_folders
from shim.errors import ExitCode

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Bring functions back to what they were before their deployment, from wherever that stands: through
the plan's own states, each of which starts, with the zips that the deployment folder has kept.
Traffic on an alias goes back first, in one call. Only the runtimes' dates can bar the way; then
nothing is touched, and that is said."""

EPILOG = """\
examples:
  shim rollback orders.deployment
  shim rollback deployments --yes

exit status: 0 each function is what it was; 1 one isn't, or something stands against it; 2 bad
usage or input; 3 this machine, or the account, could not do it; 130 interrupted"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument(
        "what", nargs="+", type=options.file_path, metavar="FOLDER", help="deployment folders"
    )
    add_running(parser)
    options.add_connection(parser)
    options.add_iam(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Show what will be sent, ask, send it, show how it ended."""
    terms, folders = terms_of(arguments), find_folders(arguments.what)
    if arguments.iam:
        return print_deploying_policy(folders, arguments, is_back=True)
    accounts = Accounts(arguments, is_for_one=len(folders) == 1)
    if len(folders) == 1:
        deployment = folders[0].read()
        api = accounts.connect(deployment.target)
        outlook = accounts.look(partial(look_back, deployment, api, terms=terms))
        if not arguments.json:
            show_back(deployment, outlook, open_console(no_color=arguments.no_color))
    what = "this one" if len(folders) == 1 else f"these {len(folders)}"
    if not ask(f"bring {what} back?", arguments):
        return ExitCode.NO
    work = partial(roll_back, terms=terms)
    return carry_out(folders, work, accounts=accounts, arguments=arguments)
