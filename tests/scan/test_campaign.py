"""A small sample of the campaign: real programs, by real downloads."""

from __future__ import annotations

from tests.requirements import require_zig
from tests.scan.campaign import campaign


def test_functions_with_real_programs_stand_where_they_should() -> None:
    require_zig()
    result = campaign(functions=60, packages=40)
    assert result.standings == {
        "ready": 18, "there already": 3, "unknown": 3, "won't start": 36
    }  # fmt: skip
    assert result.row.startswith("| 60 | 40 |")
