"""Every command on a page is run, and prints what the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT, Command, Session, read_parts, shows
from tests.docs.session import follow
from tests.docs.stages import Scene
from tests.emulator import emulator_cache

if TYPE_CHECKING:
    from pathlib import Path

FOLLOWED = {
    page: [part for part in read_parts(page) if isinstance(part, Session)] for page in PAGES
}


@pytest.mark.parametrize(
    "page",
    [page for page, sessions in FOLLOWED.items() if not all(one.not_run for one in sessions)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_a_page_shows_what_its_commands_print(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("SHIM_CACHE", str(emulator_cache(request.config)))
    folder = tmp_path / "page"
    folder.mkdir()
    scene = Scene(folder=folder, patch=monkeypatch)
    with scene.exits:
        dones = list(follow(page, scene))
    for done, following in zip(dones, [*dones[1:], None], strict=True):
        typed, printed = done.command.text, "\n".join(done.printed)
        assert not done.command.shown or shows(done.command.shown, done.printed), (
            f"{page}: `{typed}` prints something else (python -m tests.docs.renew):\n{printed}"
        )
        is_told = following is not None and following.command.text == "echo $?"
        assert done.status == 0 or is_told, (
            f"{page}: `{typed}` fails, and nobody is told:\n{printed}"
        )


def test_few_commands_are_not_run_and_each_for_a_reason() -> None:
    sessions = [session for parts in FOLLOWED.values() for session in parts]
    left_out = [session for session in sessions if session.not_run]
    assert len(sessions) > 20
    assert len(left_out) <= len(sessions) // 4


def test_what_a_page_leaves_out_is_some_text_or_some_lines() -> None:
    assert shows(["a", "…", "d"], ["a", "b", "c", "d"])
    assert shows(["a", "…", "d"], ["a", "d"])
    assert shows(["made …: done"], ["made x.zip: done"])
    assert not shows(["a"], ["a", "b"])
    assert not shows(["made …"], ["made x", "y"])
    assert not shows(["a.c"], ["abc"])


def test_a_block_is_read_as_commands_with_what_each_prints(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```console\n$ one \\\n    more\nsaid\n\n$ two\n```\n")
    assert list(read_parts(page)) == [
        Session(
            commands=(
                Command(text="one \\\n    more", shown=("said",), lines=range(5, 6)),
                Command(text="two", shown=(), lines=range(8, 8)),
            )
        )
    ]
