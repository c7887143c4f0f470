"""From the command line to an account of AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from shim.aws.connection import Connection
    from shim.aws.pace import Pace


def open_connection(
    arguments: argparse.Namespace,
    *,
    region: str | None = None,
    tries: int = 1,
    pace: Pace | None = None,
    threads: int = 10,
) -> Connection:
    """What `options.add_connection` says; who only reads lets boto3 send a call several times."""
    # What few runs need.
    from shim.aws.connection import Connection

    return Connection(
        # What every tool of AWS's knows but boto3, which takes AWS_DEFAULT_REGION by itself.
        region=region or arguments.region or os.environ.get("AWS_REGION"),
        profile=arguments.profile,
        endpoint_url=arguments.endpoint_url,
        tries=tries,
        pace=pace,
        threads=threads,
    )
