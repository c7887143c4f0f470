"""`shim completion`: what makes bash, zsh and fish complete commands, options and file names."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.main import COMMANDS, add_arguments, find_command
from shim.cli.parsing import Parser, path_form
from shim.document import document, encode
from shim.errors import ExitCode, MachineError

if TYPE_CHECKING:
    import argparse


class Shell(StrEnum):
    """Those that there are scripts for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


DESCRIPTION = """\
Print a script with which a shell completes shim's commands, options and file names. It is made by
shtab, from what the commands themselves read: `pip install 'lambda-shim[completion]'`.

for good, each in the shell that it is for:
  shim completion bash > ~/.local/share/bash-completion/completions/shim
  shim completion zsh > ~/.zfunc/_shim        # a folder in $fpath, before compinit
  shim completion fish > ~/.config/fish/completions/shim.fish

After an update of shim the script is made anew."""

RESULT_FORMAT = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "shell", type=options.one_of(Shell), metavar="SHELL", help="bash, zsh or fish"
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Print the script."""
    try:
        import shtab
    except ImportError as error:
        raise MachineError(
            "shtab, which makes the script, is not installed",
            hint="install it: `pip install 'lambda-shim[completion]'`",
        ) from error
    top = Parser(prog="shim", description="tools around a native bootstrap for AWS Lambda")
    top.add_argument("-V", "--version", action="version", version="", help="print the version")
    commands = top.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for name, summary in COMMANDS.items():
        parser = commands.add_parser(name, help=summary)
        add_arguments(parser, find_command(name))
        for action in parser._actions:  # noqa: SLF001 - argparse has no other word for it
            if isinstance(action.type, options.OneOf):
                action.choices = action.type.shown
            elif path_form(action):
                action.complete = shtab.FILE  # type: ignore[attr-defined] # as shtab reads it
    script = shtab.complete(top, shell=arguments.shell)
    if arguments.json:
        content = {"shell": arguments.shell, "script": script}
        print(encode(document(RESULT_FORMAT, content)))
        return ExitCode.OK
    print(script)
    return ExitCode.OK
