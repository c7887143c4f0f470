"""The reference says what there is: every option, every error type; and its forms can be typed."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from shim.cli.main import COMMANDS, command_parser, find_command
from shim.errors import ShimError
from tests.docs import commands
from tests.docs.pages import PAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_the_commands_are_what_the_parsers_have() -> None:
    hint = "run `python -m tests.docs.commands`"
    assert commands.PAGE.read_text("utf-8") == commands.written(), hint


def test_the_page_has_every_option_of_every_command() -> None:
    sections = re.split(r"^## shim ", commands.PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert [section.split()[0] for section in sections] == list(COMMANDS)
    for name, section in zip(COMMANDS, sections, strict=True):
        for action in commands.arguments(command_parser(name, find_command(name))):
            assert all(f"`{option}" in section for option in action.option_strings)


def test_the_error_types_are_what_the_launcher_knows() -> None:
    sources = [ROOT / f"shim/launcher/{name}.py" for name in ("launch", "report")]
    known = {
        kind for path in sources for kind in re.findall(r'b"([A-Z]\w+)\\0', path.read_text("utf-8"))
    }
    page = (ROOT / "docs/reference/errors.md").read_text("utf-8")
    shown = re.findall(r"^\| `Runtime\.(\w+)` \|", page, flags=re.MULTILINE)
    assert len(known) > 5
    assert set(shown) == known


def test_the_readmes_figures_are_those_of_the_whole_table() -> None:
    readme, whole = (
        (ROOT / name).read_text("utf-8").replace("*", "")
        for name in ("README.md", "docs/why/speed.md")
    )
    figures = re.findall(r"^\|.*(\| [\d,]+ \| [\d.]+) \|$", readme, flags=re.MULTILINE)
    assert len(figures) == 4
    assert all(pair in whole for pair in figures)


def forms(page: Path) -> list[str]:
    """The commands of shim's that stand in a block which isn't run: how a command is called."""
    blocks = [
        token.content.replace("\\\n", " ")
        for token in MarkdownIt().parse(page.read_text("utf-8"))
        if token.type in {"fence", "code_block"} and token.info != "console"
    ]
    # What a line is for, and what becomes of its output, may stand behind it.
    lines = [
        re.split(r"\s{3,}|\s*[|>;] ", line.strip())[0]
        for block in blocks
        for line in block.splitlines()
    ]
    assert not [line for line in lines if line.startswith("$ ")], "not in a block of commands"
    return [line for line in lines if line.startswith("shim ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_form_of_a_command_is_one_that_its_parser_takes(page: Path) -> None:
    for line in forms(page):
        _, name, *words = shlex.split(line, comments=True)
        if not re.search(r"…|\[|[A-Z]{3}", line):
            try:
                command_parser(name, find_command(name)).parse_intermixed_args(words)
            except ShimError as error:
                pytest.fail(f"`{line}`: {error.message}")
