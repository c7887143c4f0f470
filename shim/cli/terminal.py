"""What people see besides a command's result: tables' console, notes, errors, progress.

All but the console is on standard error. Where that isn't a terminal, progress is one line.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from shim.errors import ShimError

_UNBOUND = 1000
_QUIET_SECONDS = 0.2


def open_console(*, no_color: bool) -> Console:
    """For tables and colours on standard output; what is printed is text, never markup."""
    from rich.console import Console

    console = Console(
        highlight=False,
        markup=False,
        emoji=False,
        no_color=no_color or bool(os.environ.get("NO_COLOR")),
    )
    if not console.is_terminal:
        # A file or a pipe has no width: nothing is gained by breaking words.
        console.width = _UNBOUND
    return console


def print_note(text: str) -> None:
    """What the user should know beside the result."""
    # On a terminal, in place of what is being done.
    line = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{line}note: {printable(text)}", file=sys.stderr)


def print_warning(text: str, *, hint: str) -> None:
    """What will go wrong, although the command did what it was asked for."""
    print(f"warning: {printable(text)}\nhint: {printable(hint)}", file=sys.stderr)


def print_error(error: ShimError) -> None:
    """The sentence, and the hint, which can have several lines."""
    print(f"error: {printable(error.message)}", file=sys.stderr)
    if error.hint:
        hint = "\n".join(map(printable, error.hint.splitlines()))
        print(f"hint: {hint}", file=sys.stderr)


@contextmanager
def status(text: str) -> Iterator[None]:
    """Shows what is being done as long as it takes."""
    if not sys.stderr.isatty():
        print(text, file=sys.stderr)
        yield
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(text):
        yield


@contextmanager
def progress(text: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how much is done, a bar on a terminal; takes how much more is done than before."""
    if not sys.stderr.isatty():
        print(text, file=sys.stderr)
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True, markup=False), transient=True) as bar:
        task = bar.add_task(text, total=total)
        yield lambda count: bar.advance(task, count)


@contextmanager
def quiet_status() -> Iterator[Callable[[str], None]]:
    """Takes what is being done, and shows it a few times a second: no thread runs beside it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    line = "\r\x1b[K"
    shown = float("-inf")

    def show(text: str) -> None:
        nonlocal shown
        if time.monotonic() - shown >= _QUIET_SECONDS:
            shown = time.monotonic()
            print(f"{line}{text}", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print(line, end="", file=sys.stderr, flush=True)
