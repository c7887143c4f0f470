"""`shim`: finds the command, calls it, turns its errors into a sentence and an exit status."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from shim import __version__
from shim.cli import terminal
from shim.cli.parsing import Parser
from shim.cli.streams import lasting
from shim.errors import ExitCode, InputError, ShimError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "pack": "make a function's zip from compiled handlers, for one architecture or both",
    "layer": "make a layer with the launcher, for reuse by many functions",
    "extension": "make an extension's layer that starts on both architectures",
    "launcher": "write the launcher to a file, to be your package's `bootstrap`",
    "check": "say whether a package will start, where, and why not",
    "diff": "say what a deployment by a template passes through, before it is made",
    "plan": "find the order of calls in which no state in between fails",
    "scan": "say of all functions of an account how they get to a new runtime or architecture",
    "deploy": "carry plans out, for one function or for many, and never over others' changes",
    "rollback": "bring functions back to what they were before a deployment",
    "run": "start a package under AWS's Runtime Interface Emulator and invoke it",
    "simulate": "show what a change costs a function under traffic, in naive orders and by plan",
    "doctor": "say what this machine can do, and what would have to be there for the rest",
    "cache": "say what was downloaded and is kept, and remove it",
    "completion": "print what makes a shell complete commands and options",
    "bench": "measure the launcher against the shell scripts that it replaces",
}
"""Name and summary of each command; its module is `shim.cli.<name>`."""

ERROR_FORMAT = 1
"""Of what --json makes of an error, on standard error."""

EXIT_STATUSES = """\
exit status: 0 fine, 1 the answer is no, 2 bad usage or input, 3 this machine could not do it,
130 interrupted"""


class Command(Protocol):
    """What each module `shim.cli.<name>` offers; `FORMS`, if any, are other forms to print in."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments, description and examples."""

    def run(self, arguments: argparse.Namespace) -> ExitCode:
        """Parse `arguments` into values, call the core, print what it gave."""


def entry_point() -> None:
    """What the installed script `shim` and `python -m shim` call."""
    sys.stdout, sys.stderr = map(lasting, (sys.stdout, sys.stderr))
    sys.exit(main(sys.argv[1:]))


def main(words: Sequence[str]) -> int:
    """Run one command line and return its exit status; errors go to standard error."""
    words = _without_help(words)
    name = words[0]
    try:
        try:
            if name not in COMMANDS:
                _top_parser().parse_args(words)
            return _run_command(name, words[1:])
        finally:  # help and version end here too
            sys.stdout.flush()
    except (ShimError, PermissionError) as error:
        told = error if isinstance(error, ShimError) else _not_permitted(error)
        _print_error(told, as_json="--json" in words)
        return told.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _not_permitted(error: PermissionError) -> ShimError:
    """In a folder that one may not enter, even asking what a file is ends so, wherever that is."""
    from shim.text import printable

    return InputError(
        f"permission denied: `{printable(str(error.filename))}`",
        hint="see who may read it, and who may enter each folder above it",
    )


def _without_help(words: Sequence[str]) -> Sequence[str]:
    """`shim help check` is `shim check --help`, as with git; `shim` alone shows what there is."""
    match words:
        case [] | ["help"]:
            return ["--help"]
        case ["help", command, *_]:
            return [command, "--help"]
        case _:
            return words


def _run_command(name: str, words: Sequence[str]) -> ExitCode:
    _check_folder()
    command = find_command(name)
    parser = command_parser(name, command)
    if {"-h", "--help", "--no-config"}.intersection(words):
        return command.run(parser.parse_intermixed_args(words))
    # What `shim --version` doesn't take.
    from shim.cli.config import configured

    with configured(name, parser, words, commands=COMMANDS) as more:
        return command.run(parser.parse_intermixed_args([*more, *words]))


def _check_folder() -> None:
    """Paths are relative to it, and each of them would end otherwise in a place of its own."""
    from pathlib import Path  # what `shim --version` doesn't take

    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise InputError(
            "the current folder is not there any more", hint="`cd` to one that is"
        ) from error


def find_command(name: str) -> Command:
    """The module of a command."""
    return cast("Command", import_module(f"shim.cli.{name}"))


def command_parser(name: str, command: Command) -> Parser:
    """What reads the command's arguments."""
    parser = Parser(prog=f"shim {name}")
    add_arguments(parser, command)
    return parser


def add_arguments(parser: Parser, command: Command) -> None:
    """Add what all commands have, and what this one has."""
    parser.epilog = EXIT_STATUSES
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="print the result as JSON")
    for option, text in getattr(command, "FORMS", {}).items():
        forms.add_argument(option, action="store_true", help=text)
    add = parser.add_argument
    add("--no-color", action="store_true", help="print no colours (also: NO_COLOR)")
    add("--no-config", action="store_true", help="read no options from shim.toml, pyproject.toml")
    parser.set_defaults(configured=frozenset())
    command.configure(parser)


def _top_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="shim",
        known=COMMANDS,
        usage="shim COMMAND [options]",
        description="A native bootstrap for AWS Lambda's OS-only runtimes, and the tools around it."
        f"\n\ncommands:\n{listing}\n\n`shim COMMAND --help` explains one of them.",
        epilog=EXIT_STATUSES,
    )
    parser.add_argument("-V", "--version", action="version", version=f"shim {__version__}")
    parser.add_argument("command", type=_command, metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def _command(word: str) -> str:
    raise argparse.ArgumentTypeError(f"no such command: {word}")


def _print_error(error: ShimError, *, as_json: bool) -> None:
    if as_json:
        content = {"error": error.message, "hint": error.hint}
        # With what it imports, a quarter of the time of `shim --version`.
        from shim.document import document, encode

        print(encode(document(ERROR_FORMAT, content)), file=sys.stderr)
        return
    terminal.print_error(error)
