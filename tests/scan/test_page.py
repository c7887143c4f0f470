"""The page and the table for spreadsheets: whatever an account has in it, it stays text."""

from __future__ import annotations

import csv
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from typing import TYPE_CHECKING

from shim.aws.account import Caller, CallerKind
from shim.scan.document import as_csv
from shim.scan.page import as_page
from tests.check.builders import program
from tests.scan.kinds import Headers, kinds
from tests.scan.memory import ARN

if TYPE_CHECKING:
    from shim.scan.scanner import Scan
    from tests.scan.conftest import House

EVIL = "=1\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Every element, attribute and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def evil_scan(house: House) -> Scan:
    """Of a function whose stack, caller and program have such a name."""
    dual = kinds(Headers())["dual"]
    kind = replace(dual, files={**dual.files, EVIL: program()})
    tags = {"aws:cloudformation:stack-name": EVIL, "lambda:createdBy": "SAM"}
    house.create("dual", replace(kind, handler=EVIL.replace(" ", "")), **tags)
    caller = Caller(kind=CallerKind.PERMISSION, who=EVIL, qualifier="$LATEST")
    house.account.callers[ARN.format("function", "dual")] = (caller,)
    return house.scan(asks_callers=True)


def test_a_page_takes_nothing_from_elsewhere_and_runs_nothing_of_the_account(house: House) -> None:
    text = as_page(evil_scan(house))
    page = Page(text)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not page.attributes & {"src", "href", "style", "onerror"}
    assert "://" not in text
    said = [one for one in page.said if EVIL in one]
    assert [one.split(EVIL)[0] for one in said] == ["$LATEST: permission ", "SAM ", " build anew "]


def test_a_spreadsheet_takes_no_formula_from_an_account(house: House) -> None:
    (row,) = csv.DictReader(StringIO(as_csv(evil_scan(house))))
    assert EVIL in row["reasons"]
    assert not any(cell.startswith(tuple("=+-@")) for cell in row.values())


def test_a_page_says_what_comes_first(house: House) -> None:
    for name in ("go", "dual", "dual-al2023"):
        house.create(name)
    said = " ".join("".join(Page(as_page(house.scan())).said).split())
    places = [
        said.index(f"{name} 1 function") for name in ("go1.x", "provided.al2", "provided.al2023")
    ]
    assert places == sorted(places)
    assert "95 days until updates end: 2027-03-03" in said
