"""Makes the reference of all commands from their parsers: `python -m tests.docs.commands`."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from shim.cli.main import COMMANDS, EXIT_STATUSES, command_parser, find_command
from tests.docs.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs/reference/commands.md"
BEGIN = """\
# Commands

What `shim COMMAND --help` says of each. `python -m tests.docs.commands` makes this page of it.
"""


def written() -> str:
    """The whole page."""
    return "\n".join([BEGIN, *(line for name in COMMANDS for line in _command(name))])


def _command(name: str) -> Iterator[str]:
    parser = command_parser(name, find_command(name))
    yield from (f"## shim {name}", "", f"{COMMANDS[name].capitalize()}.", "")
    for action in arguments(parser):
        yield f"- {_names(action)}: {_prose((action.help or '') % vars(action))}"
    yield ""
    for text in (parser.description, parser.epilog):
        if text and text != EXIT_STATUSES:
            yield from ("```text", text.strip(), "```", "")


def arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All that its help tells of, but the help."""
    # argparse has no other way to ask.
    for action in parser._actions:
        if action.dest != "help" and action.help is not argparse.SUPPRESS:
            yield action


def _names(action: argparse.Action) -> str:
    """As a reader types them, with what follows."""
    value = str(action.metavar or action.dest)
    if not action.option_strings:
        return f"`{value}`"
    after = "" if action.nargs == 0 else f" {value}"
    return " or ".join(f"`{name}{after}`" for name in action.option_strings)


def _prose(text: str) -> str:
    """Help as Markdown: nothing in it is meant as a mark-up but code."""
    return "".join(
        part if part.startswith("`") else re.sub(r"([<>*\[\]\\$])", r"\\\1", part)
        for part in re.split(r"(`[^`]*`)", text)
    )


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
