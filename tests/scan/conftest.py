"""An account in memory, with the zips of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.scan.facts import Choice
from shim.scan.scanner import Scanner
from shim.scan.store import Store
from shim.scan.wanted import Wanted
from tests.plan.builders import zipped
from tests.scan.kinds import Headers, kinds
from tests.scan.memory import MemoryAccount, Storage
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.scan.outlook import Outlook
    from shim.scan.scanner import Scan
    from tests.scan.kinds import Kind

DAY = date(2026, 11, 28)
ON_ARM64 = Wanted(runtime=read_runtimes()["provided.al2023"], arch=Arch.ARM64)


@dataclass(kw_only=True)
class House:
    """An account, and a folder for what is downloaded of it."""

    account: MemoryAccount
    store: Store
    zips: Path

    def create(self, name: str, kind: str | Kind = "", **tags: str) -> None:
        """A function of a kind, called so if nothing else is said; those of one share a package."""
        known = kind if isinstance(kind, str) and kind else name
        made = kinds(Headers())[known] if isinstance(kind, str) else kind
        code = zipped(self.zips / f"{known}.zip", made.files)
        layer = zipped(self.zips / f"{known}-layer.zip", made.layer) if made.layer else None
        self.account.create(name, made, code, layer=layer, **tags)

    def scanner(self, *wanted: Wanted, choice: Choice | None = None) -> Scanner:
        """One that has not begun."""
        return Scanner(
            choice=choice or Choice(), wanted=wanted or (ON_ARM64,), day=DAY, store=self.store
        )

    def scan(
        self, *wanted: Wanted, choice: Choice | None = None, asks_callers: bool = False
    ) -> Scan:
        """All that the account has."""
        scanner = self.scanner(*wanted, choice=choice)
        scanner.scan_account(self.account, asks_callers=asks_callers)
        return scanner.result()

    def outlook(self, name: str, *wanted: Wanted) -> Outlook:
        """Of one function."""
        scan = self.scan(*wanted)
        return next(one.outlooks[0] for one in scan.functions if one.facts.listed.name == name)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An account without functions."""
    storage = Storage()
    zips = tmp_path / "zips"
    zips.mkdir()
    with served(storage.answer) as storage.url:
        account = MemoryAccount(storage=storage)
        yield House(account=account, store=Store(tmp_path / "downloads"), zips=zips)
