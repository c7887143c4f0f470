"""The options that say how traffic on an alias comes to a new version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.cli import options
from shim.deploy.transition import PAUSE_SECONDS

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Arguments

_DAY = 86_400


def add_pause(parser: Arguments) -> None:
    """Add `--pause`."""
    parser.add_argument(
        "--pause",
        type=options.whole_number(0, _DAY),
        default=int(PAUSE_SECONDS),
        metavar="SECONDS",
        help="how long each share of the traffic is left as it is, and alarms are watched"
        f" (default: {PAUSE_SECONDS:.0f})",
    )
