"""What `shim deploy` and `shim rollback` have in common: folders, an account, and how it ended."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from random import SystemRandom
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from shim.cli import options
from shim.cli.connecting import open_connection
from shim.cli.day import today
from shim.cli.terminal import print_note, progress
from shim.cli.text.deploy import Board, summary_of
from shim.deploy.beforehand import Terms
from shim.deploy.deployment import LOOK, Means
from shim.deploy.events import Sending, sentence
from shim.deploy.many import WORKERS, Ending, Outcome, Stop, run_all
from shim.deploy.patience import Patience
from shim.deploy.transition import Transition
from shim.document import document, encode, json_name
from shim.errors import ExitCode, InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from shim.aws.api import LambdaApi
    from shim.aws.bucket import Bucket
    from shim.aws.connection import Connection
    from shim.deploy.beforehand import Outlook
    from shim.deploy.deployment import Done
    from shim.deploy.events import Event
    from shim.deploy.folder import DeploymentFolder
    from shim.plan.target import Target

    class CarryOut(Protocol):
        """`deploy` or `roll_back`, with its terms."""

        def __call__(
            self, folder: DeploymentFolder, means: Means, *, tell: Callable[[Event], None]
        ) -> Done:
            """See there."""


RESULT_FORMAT = 1
"""Of what both commands print as JSON; counted up when a reader must know of a change."""


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add what says how deployment folders are carried out."""
    add = parser.add_argument
    add(
        "--s3-bucket",
        type=options.text,
        metavar="NAME",
        help="over which zips go that are too large for a call (50 MB); it has to keep versions",
    )
    add("--yes", action="store_true", help="don't ask: needed where there is no terminal")
    add(
        "--despite-owner",
        action="store_true",
        help="also where the function's tags say that a stack or another tool owns it",
    )
    add(
        "--canary",
        type=options.whole_number(1, 1_000_000),
        metavar="N",
        help="the first N functions, and ask before the others; with --yes, these follow where"
        " none of the first has failed",
    )
    add(
        "--abort-on-failures",
        type=options.whole_number(1, 1_000_000),
        metavar="N",
        help="after so many failures begin with no further function",
    )


def terms_of(arguments: argparse.Namespace, **more: bool) -> Terms:
    """What the command line puts up with, today."""
    return Terms(day=today(), despite_owner=arguments.despite_owner, **more)


class Accounts:
    """What is asked where each function is: one client, and one pace, for a region.

    `stop` ends whoever waits for a turn. Of one function alone, uploads to S3 are shown.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        transition: Callable[[Connection], Transition] = lambda _: Transition(),
        *,
        is_for_one: bool,
    ) -> None:
        self.stop = Stop()
        self._shown = {"uploading": progress} if is_for_one else {}
        self._arguments, self._transition = arguments, transition
        self._opened: dict[str, tuple[LambdaApi, Transition]] = {}
        self._lock = Lock()

    def connect(self, target: Target) -> LambdaApi:
        """Lambda's API in the function's region, where its ARN says that."""
        return self._of(target)[0]

    def transition(self, target: Target) -> Transition:
        """How an alias's gets to a new version there."""
        return self._of(target)[1]

    def look(self, look: Callable[[], Outlook]) -> Outlook:
        """What `look` says, tried again where the account is busy."""

        def tell(event: Event) -> None:
            print_note(sentence(event))

        return Patience(LOOK, clock=self.stop, random=SystemRandom(), tell=tell).answer(look)

    def _of(self, target: Target) -> tuple[LambdaApi, Transition]:
        with self._lock:
            if target.region not in self._opened:
                self._opened[target.region] = self._open(target)
            return self._opened[target.region]

    def _open(self, target: Target) -> tuple[LambdaApi, Transition]:
        # What few runs need.
        from shim.aws.boto import open_api
        from shim.aws.pace import Pace

        asked = self._arguments.region
        if asked and target.region not in {"", asked}:
            raise InputError(f"--region {asked}, but the function is elsewhere: `{target.arn}`")
        connection = open_connection(
            self._arguments,
            region=target.region or asked,
            pace=Pace(sleep=self.stop.sleep),
            threads=WORKERS,
        )
        bucket = self._bucket(connection, target)
        return open_api(connection, bucket=bucket, **self._shown), self._transition(connection)

    def _bucket(self, connection: Connection, target: Target) -> Bucket | None:
        name: str | None = self._arguments.s3_bucket
        if name is None:
            return None
        # What few runs need.
        from shim.aws.bucket import Bucket

        if not target.account:
            raise InputError("whose bucket it has to be, only the function's ARN says")
        bucket = Bucket(connection.client("s3"), name, owner=target.account)
        bucket.check()
        return bucket


def ask(question: str, arguments: argparse.Namespace) -> bool:
    """Whether the answer is yes; `InputError` where there is nobody to ask."""
    if arguments.yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(
            "there is no terminal to ask on, and nothing was changed", hint="say so: `--yes`"
        )
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def carry_out(
    folders: Sequence[DeploymentFolder],
    work: CarryOut,
    *,
    accounts: Accounts,
    arguments: argparse.Namespace,
) -> ExitCode:
    """All of them, shown as they go, and then how each has ended."""
    canary, most = arguments.canary or len(folders), arguments.abort_on_failures
    outcomes = _run(folders[:canary], work, accounts, most_failures=most)
    if rest := folders[canary:]:
        failed = sum(not one.is_fine for one in outcomes)
        if not _goes_on(outcomes, failed, len(rest), arguments):
            accounts.stop.ask()
        outcomes += _run(rest, work, accounts, most_failures=most and most - failed)
    print_outcomes(outcomes, arguments)
    if any(one.ending is Ending.INTERRUPTED for one in outcomes):
        return ExitCode.INTERRUPTED
    return ExitCode.OK if all(one.is_fine for one in outcomes) else ExitCode.NO


def _run(
    folders: Sequence[DeploymentFolder],
    work: CarryOut,
    accounts: Accounts,
    *,
    most_failures: int | None,
) -> list[Outcome]:
    stop = accounts.stop
    means = Means(
        connect=accounts.connect,
        transition=accounts.transition,
        clock=stop,
        random=SystemRandom(),
        now=partial(datetime.now, UTC),
    )
    outcomes: list[Outcome] = []
    with Board(len(folders)).shown() as board, _interrupted(stop):

        def one(folder: DeploymentFolder) -> Done:
            def tell(event: Event) -> None:
                if isinstance(event, Sending):
                    stop.check()
                board.tell(folder, event)

            return work(folder, means, tell=tell)

        def ended(outcome: Outcome) -> None:
            outcomes.append(outcome)
            board.end(outcome)

        run_all(folders, one, stop=stop, ended=ended, most_failures=most_failures)
    return outcomes


def _goes_on(
    done: Sequence[Outcome], failed: int, left: int, arguments: argparse.Namespace
) -> bool:
    """A yes, or, where nobody is to be asked, no more failures than are put up with."""
    if any(one.ending is Ending.INTERRUPTED for one in done):
        return False
    if arguments.yes or arguments.abort_on_failures:
        return failed < (arguments.abort_on_failures or 1)
    try:
        return ask(
            f"the first {len(done)} have ended, {failed} of them not well: go on with {left}?",
            arguments,
        )
    except KeyboardInterrupt:
        return False


@contextmanager
def _interrupted(stop: Stop) -> Iterator[None]:
    """The first Ctrl-C lets the calls in flight end; the second one ends the process."""

    def ask_to_end(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("\nending after the calls in flight; Ctrl-C once more ends at once", file=sys.stderr)
        stop.ask()

    before = signal.signal(signal.SIGINT, ask_to_end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def print_outcomes(outcomes: Sequence[Outcome], arguments: argparse.Namespace) -> None:
    """How each deployment has ended, for people or as JSON."""
    if arguments.json:
        print(encode(_as_json(outcomes)))
        return
    for line in summary_of(outcomes):
        print(line)


def _as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    content = {
        "counts": {
            json_name(ending.name.lower()): sum(one.ending is ending for one in outcomes)
            for ending in Ending
        },
        "deployments": [
            {
                "folder": str(one.folder.path),
                "ending": one.ending.value,
                "calls": one.calls,
                "notes": list(one.notes),
                "problem": one.problem or None,
                "hint": one.hint or None,
            }
            for one in outcomes
        ],
    }
    return document(RESULT_FORMAT, content)
