"""Which function a plan is for: what it is called, where it is, and as what it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.aws.api import LATEST
from shim.aws.function import unqualified

if TYPE_CHECKING:
    from shim.aws.function import NamedFunction

_REGION, _ACCOUNT, _NAME = 3, 4, 6
"""Where each stands in `arn:aws:lambda:REGION:ACCOUNT:function:NAME`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A function of an account."""

    name: str
    arn: str = ""
    """Without a qualifier; empty where nothing says it."""
    revision: str = ""
    """Of `$LATEST` when the plan was made; empty where nothing says it."""

    @property
    def address(self) -> str:
        """What calls name it by: the ARN, where it is known, is no other account's function."""
        return self.arn or self.name

    @property
    def region(self) -> str:
        """Empty where nothing says it."""
        return _part(self.arn, _REGION)

    @property
    def account(self) -> str:
        """Empty where nothing says it."""
        return _part(self.arn, _ACCOUNT)


def target_of(named: NamedFunction) -> Target | None:
    """The function that was read; None where nothing says its name."""
    function = named.function
    if not named.name:
        return None
    revision = function.revision if function.version == LATEST else ""
    return Target(name=named.name, arn=named.arn, revision=revision)


def named_target(name: str) -> Target:
    """The function that somebody names: by its name, or by its ARN."""
    if not name.startswith("arn:"):
        return Target(name=name)
    arn = unqualified(name)
    return Target(name=_part(arn, _NAME), arn=arn)


def _part(arn: str, index: int) -> str:
    parts = arn.split(":")
    return parts[index] if index < len(parts) else ""
