"""docs/reference/deploy.md and the README show what the commands print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.deploy.story import story

if TYPE_CHECKING:
    import pytest

    from tests.aws.wire.server import Cloud

TREE = Path(__file__).parents[2]


def test_what_the_page_shows_is_what_is_printed(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIM_CACHE", str(tmp_path / "cache"))
    page, readme = (
        masked((TREE / name).read_text("utf-8"))
        for name in ("docs/reference/deploy.md", "README.md")
    )
    blocks = [masked(block) for block in story(cloud, monkeypatch)]
    for block in blocks:
        assert block in page
    assert blocks[0].replace("reading the function and its packages\n", "") in readme


def masked(text: str) -> str:
    """Without hashes of zips: another zlib compresses to other bytes."""
    return re.sub(r"[0-9a-f]{12}…", "…", text)
