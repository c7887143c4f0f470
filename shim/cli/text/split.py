"""A split for people: each deployment with what it changes, why, and what it passes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from shim.cli.text.states import STYLES
from shim.templates.split.report import (
    calls_in_words,
    how_to_deploy,
    paths_of,
    state_in_words,
    what_it_meets,
    what_it_sets,
    why,
    would_have_to_start,
)
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from shim.templates.split.split import Deployment, Move, Split
    from shim.templates.split.ways import Way


def print_split(console: Console, split: Split, stuck: Sequence[Way]) -> None:
    """Print the deployments; or why there are none."""
    text = Text("\n")
    if stuck:
        text.append("no split, nothing is written\n", "bold")
        for way in stuck:
            text.append_text(_way(way))
    elif not split.deployments:
        text.append("no split is needed, nothing is written\n", "bold")
        for way in split.ways:
            text.append_text(_way(way))
    else:
        count = len(split.deployments)
        text.append(f"{count} deployments in the place of one: {split.folder}\n", "bold")
        for deployment in split.deployments:
            text.append_text(_deployment(split, deployment))
        for way in split.ways:
            if way.passage is None:
                text.append_text(_way(way, note="goes whole, with the last: "))
        for upload in split.uploads:
            text.append(printable(f"to be uploaded before: {upload.file} as {upload.key}") + "\n")
        text.append(f"{how_to_deploy(split)}\n")
    text.rstrip()
    console.print(text, soft_wrap=True)


def _way(way: Way, *, note: str = "") -> Text:
    text = Text.assemble((f"{printable(way.id)}: ", "bold"), f"{note}{printable(way.reason)}\n")
    for reason in way.reasons:
        text.append(f"  {printable(reason)}\n")
    for state in would_have_to_start(way):
        text.append(f"  would have to start: {printable(state)}\n")
    return text


def _deployment(split: Split, deployment: Deployment) -> Text:
    files = ", ".join(paths_of(split, deployment))
    text = Text(f"{deployment.number}  {printable(files)}\n")
    for move in deployment.moves:
        text.append_text(_move(move))
    return text


def _move(move: Move) -> Text:
    sets = ", ".join(f"{name} to {value}" for name, value in what_it_sets(move).items())
    text = Text.assemble(
        "   ",
        (f"{printable(move.passage.id)}: ", "bold"),
        f"{calls_in_words(move)}: {printable(sets)}\n",
    )
    for state, answer in what_it_meets(move):
        text.append(f"     {answer.name.lower()}: ", STYLES[answer])
        text.append(f"{state_in_words(state, move.passage)}\n")
    reason = why(move)
    return text.append(f"     {printable(reason)}\n") if reason else text
