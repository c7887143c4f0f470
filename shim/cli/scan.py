"""`shim scan`: how each function of an account gets to where it shall be, and what hinders it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from shim.check.runtimes import known_runtime
from shim.cli.cache import used_cache
from shim.cli.connecting import open_connection
from shim.cli.day import today
from shim.cli.iam import print_policy
from shim.cli.scan_options import add_scan_arguments, check_scan_arguments
from shim.cli.terminal import open_console, print_note, quiet_status
from shim.document import encode
from shim.errors import ExitCode, InputError, ShimError
from shim.package.output import new_file
from shim.package.read import read_package
from shim.scan.document import as_csv, as_document
from shim.scan.effort import SHARE, in_words, scan_policy
from shim.scan.facts import Choice
from shim.scan.folders import FolderWriter
from shim.scan.saved import read_functions
from shim.scan.scanner import Scanner
from shim.scan.store import Store
from shim.scan.summary import counted
from shim.scan.wanted import all_wanted

if TYPE_CHECKING:
    from pathlib import Path

    from shim.aws.connection import Connection
    from shim.scan.scanner import Scan

_TRIES = 8
"""How often boto3 sends a call that is throttled or not answered: none of them changes a thing."""

DESCRIPTION = """\
Say of every function of an account on an OS-only runtime when its runtime ends, who owns and who
invokes it, whether it starts on what is wanted, by which plan, or what stands against it, and what
would have to be built anew. Nothing is changed in any account: `--iam` prints the policy that a
scan needs.

Packages are downloaded once for each hash, and stay for the next run. Functions on other runtimes,
and container images, are only counted.

examples:
  shim scan --html scan.html
  shim scan 'orders-*' --region eu-west-1 --region us-east-1 --runtime provided.al2023
  shim scan --runtime provided.al2023 --arch x86_64 --arch arm64 --csv scan.csv
  shim scan --tag team=shop --owner SAM --no-callers --json > scan.json
  shim layer -o launcher.zip; shim scan --runtime provided.al2023 --launcher launcher.zip
  shim scan --from scan.json --arch arm64
  shim scan --runtime provided.al2023 --tag team=shop --output deployments
  aws lambda list-functions > functions.json; shim scan --from functions.json --packages zips

exit status 0: every function starts on all that is wanted, and gets there by a plan whose states
are all known to start; 1: one doesn't, or that is unknown; 2: bad usage or input; 3: a region could
not be read; 130: interrupted, and what was known by then has been printed"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    add_scan_arguments(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Scan, write what was asked for, print it."""
    check_scan_arguments(arguments)
    if arguments.iam:
        places = [one.place for one in _connections(arguments)]
        asks = not arguments.no_callers
        return print_policy(scan_policy(arguments.names, places, asks_callers=asks))
    scan = _scan(arguments)
    _write(arguments, scan)
    if arguments.json:
        print(encode(as_document(scan)))
    else:
        from shim.cli.text.scan import print_scan

        print_scan(open_console(no_color=arguments.no_color), scan)
    if not scan.is_complete:
        return ExitCode.INTERRUPTED
    if scan.problems:
        return ExitCode.FAILED
    all_go = all(outlook.goes for one in scan.functions for outlook in one.outlooks)
    return ExitCode.OK if all_go else ExitCode.NO


def _scan(arguments: argparse.Namespace) -> Scan:
    """As far as it comes: what is known when it is interrupted is a result too."""
    day = today()
    wanted = all_wanted(
        [*map(known_runtime, arguments.runtime or ())],
        arguments.arch or (),
        launcher=read_package(arguments.launcher) if arguments.launcher else None,
    )
    folders = FolderWriter(arguments.output, wanted[0], day=day) if arguments.output else None
    choice = Choice(
        names=tuple(arguments.names), tags=tuple(arguments.tags), owner=arguments.owner or ""
    )
    with quiet_status() as say:
        scanner = Scanner(
            choice=choice,
            wanted=wanted,
            day=day,
            store=Store(used_cache() / "functions"),
            folders=folders,
            say=say,
        )
        try:
            if arguments.from_file:
                _scan_files(arguments, scanner)
            else:
                _scan_regions(arguments, scanner)
        except KeyboardInterrupt:
            return scanner.result(is_complete=False)
    if folders:
        print_note(
            f"{counted(folders.count, 'deployment folder')}: `shim deploy {arguments.output}`"
        )
    return scanner.result()


def _scan_files(arguments: argparse.Namespace, scanner: Scanner) -> None:
    saved = [read_functions(path) for path in arguments.from_file]
    folder: Path | None = arguments.packages
    if folder is not None and not folder.is_dir():
        raise InputError(f"not a folder: `{folder}`")
    scanner.scan_files(
        [facts for one in saved for facts in one.functions],
        packages=sorted(folder.rglob("*.zip")) if folder else (),
        layers=dict(arguments.layers),
        layer_hashes={arn: sha256 for one in saved for arn, sha256 in one.layers.items()},
    )


def _scan_regions(arguments: argparse.Namespace, scanner: Scanner) -> None:
    # What a scan of files doesn't need.
    from shim.aws.boto_account import BotoAccount
    from shim.aws.pace import Pace

    asks = not arguments.no_callers
    connections = _connections(arguments)
    for connection in connections:
        place = connection.place.region

        def announce(count: int, place: str = place) -> None:
            print_note(in_words(count, place, asks_callers=asks))

        try:
            api = BotoAccount(connection.client(), Pace(share=SHARE))
            scanner.scan_account(api, asks_callers=asks, announce=announce)
        except ShimError as error:
            if len(connections) == 1:
                raise
            # What the other regions gave is not to be lost.
            scanner.problems.append(f"{place}: {error.message}")


def _connections(arguments: argparse.Namespace) -> list[Connection]:
    """One for each region."""
    regions = arguments.region or [None]
    where = [argparse.Namespace(**vars(arguments) | {"region": region}) for region in regions]
    return [open_connection(one, tries=_TRIES) for one in where]


def _write(arguments: argparse.Namespace, scan: Scan) -> None:
    if arguments.csv:
        _write_file(arguments.csv, as_csv(scan))
    if arguments.html:
        # What few runs need.
        from shim.scan.page import as_page

        _write_file(arguments.html, as_page(scan))


def _write_file(path: Path, text: str) -> None:
    with new_file(path, is_secret=True) as file:
        file.write(text.encode(errors="backslashreplace"))
