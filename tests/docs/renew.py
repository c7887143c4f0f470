"""Writes into pages what their commands print: `python -m tests.docs.renew PAGE...`.

Only where a page shows something, and shows something else. Look at the difference before it goes
anywhere: this is the one place where a page isn't held to what is right.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.docs.pages import shows
from tests.docs.session import follow
from tests.docs.stages import Scene


def renew(page: Path, folder: Path) -> None:
    """Follow a page in an empty folder, and write what is printed."""
    with pytest.MonkeyPatch.context() as patch:
        scene = Scene(folder=folder, patch=patch)
        with scene.exits:
            dones = list(follow(page, scene))
    lines = page.read_text("utf-8").splitlines()
    # From the end on: what is before stays where it is.
    for done in reversed(dones):
        shown = done.command.shown
        if shown and not shows(shown, done.printed):
            lines[done.command.lines.start : done.command.lines.stop] = done.printed
    page.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with TemporaryDirectory() as folder:
            scratch = Path(folder, "page")
            scratch.mkdir()
            renew(Path(name), scratch)
