"""Which day it is: by it runtimes end, and Lambda takes calls or refuses them."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime

from shim.errors import InputError

VARIABLE = "SHIM_DAY"
"""Of the environment: another day than today, for all commands."""


def today() -> date:
    """Today in UTC, or the day that the variable names."""
    said = os.environ.get(VARIABLE)
    if not said:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise InputError(f"{VARIABLE} is not a date, 2027-03-03 say: `{said}`") from None
