"""The site: built without a warning, whole, and with nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT
from tests.shared import alone

if TYPE_CHECKING:
    from pathlib import Path

_LOADING = {"src", "srcset", "poster", "data"}
"""Attributes by which a page loads something; `href` does it in a `link`."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built anew: a link or a section that isn't there ends that."""
    folder = tmp_path_factory.mktemp("site")
    with alone("site"):
        done = subprocess.run(
            [ROOT / "scripts/site", folder], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loaded(HTMLParser):
    """What a page has a browser load."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [
            value or ""
            for name, value in attrs
            if name in _LOADING or (name == "href" and tag == "link")
        ]


def test_every_page_is_there(site: Path) -> None:
    docs = ROOT / "docs"
    pages = [page.relative_to(docs) for page in PAGES if page.is_relative_to(docs)]
    assert len(pages) > 30
    assert all((site / page).with_suffix(".html").exists() for page in pages)


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = {
        page: Loaded(page).addresses for page in site.rglob("*.html") if "_static" not in page.parts
    }
    assert all(loaded.values())
    for page, addresses in loaded.items():
        elsewhere = [one for one in addresses if re.match(r"(\w+:)?//", one)]
        assert not elsewhere, f"{page}: {elsewhere}"
        for one in addresses:
            path = page.parent / re.split("[?#]", one)[0]
            assert one.startswith("data:") or path.exists(), f"{page}: {one}"
    styles = [path.read_text("utf-8") for path in site.rglob("*.css")]
    assert styles
    assert not [
        style for style in styles if re.search(r"(?:url\(|@import)\s*[\"']?(\w+:)?//", style)
    ]
