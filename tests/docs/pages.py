"""What a page has its reader do: files to write, commands to type; and what it shows of these.

Commands stand in fenced blocks of the language `console`, each after a `$`. Comments say what no
reader needs: `<!-- file: PATH -->` where the next block goes, `<!-- stage: NAME -->` what is made
ready (tests/docs/stages.py), `<!-- not run: REASON -->` why the next block isn't run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_COMMENT = re.compile(r"<!-- (file|stage|not run): (.*?) -->", re.DOTALL)
_PROMPT = "$ "


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Something is made ready."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """The reader writes a file."""

    path: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command, over several lines perhaps."""

    text: str
    shown: tuple[str, ...]
    """The lines that it prints."""
    lines: range
    """Of the page, from 0 on: where `shown` stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A block of commands."""

    commands: tuple[Command, ...]
    not_run: str = ""
    """Why it isn't run, if it isn't."""


Part = Stage | File | Session


def read_parts(page: Path) -> Iterator[Part]:
    """What is to be done, in the page's order."""
    kind, what = "", ""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "html_block" and (comment := _COMMENT.fullmatch(token.content.strip())):
            kind, what = comment[1], " ".join(comment[2].split())
            if kind == "stage":
                yield Stage(name=what)
        elif token.type == "fence" and token.map:
            if token.info == "console":
                commands = tuple(_read_commands(token.content.splitlines(), token.map[0] + 1))
                yield Session(commands=commands, not_run=what if kind == "not run" else "")
            elif kind == "file":
                yield File(path=what, content=token.content)
            kind, what = "", ""


def _read_commands(lines: Sequence[str], first: int) -> Iterator[Command]:
    starts = [index for index, line in enumerate(lines) if line.startswith(_PROMPT)]
    assert starts[:1] == [0], f"a block of commands begins with another line: {lines[:1]}"
    for start, end in pairwise([*starts, len(lines)]):
        after = start + 1
        while lines[after - 1].endswith("\\"):
            after += 1
        shown = "\n".join(lines[after:end]).rstrip().splitlines()
        yield Command(
            text="\n".join(lines[start:after]).removeprefix(_PROMPT),
            shown=tuple(shown),
            lines=range(first + after, first + after + len(shown)),
        )


def shows(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether a page shows what was printed: `…` stands for some text, alone for some lines."""
    # Of a hash nothing is held: another zlib compresses to other bytes.
    shown = [re.sub(r"[0-9a-f]{12}…", "…", line) for line in shown]
    pattern = "".join(
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*?") + r"\n"
        for line in shown
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None
