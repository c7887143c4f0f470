"""Who AWS takes this machine for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.aws.outcome import calling

if TYPE_CHECKING:
    from shim.aws.connection import Connection


def caller(connection: Connection) -> str:
    """The ARN of who calls; any error is one of `shim.aws.api`'s."""
    with calling("asking AWS who calls"):
        answer = connection.client("sts").get_caller_identity()
    return str(answer["Arn"])
