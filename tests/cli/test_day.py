"""The day that counts: today, or the one that is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from shim.cli.day import VARIABLE, today
from shim.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_is_today_unless_another_day_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    days = [datetime.now(UTC).date(), today(), datetime.now(UTC).date()]
    assert days == sorted(days)
    assert (days[-1] - days[0]).days <= 1
    monkeypatch.setenv(VARIABLE, "2027-03-03")
    assert today() == date(2027, 3, 3)


def test_what_is_no_date_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "soon")
    (tmp_path / "bootstrap").touch(mode=0o755)
    assert main(["check", str(tmp_path)]) == 2
    assert "SHIM_DAY is not a date, 2027-03-03 say: `soon`" in capsys.readouterr().err
