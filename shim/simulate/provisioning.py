"""Provisioned concurrency of aliases in memory, and what Lambda does when such an alias moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.aws.api import Provisioned, ProvisionedStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.aws.api import Alias
    from shim.simulate.aliases import Aliases
    from shim.simulate.timeline import Timeline


class Provisioning:
    """By alias; `seconds` says how long it takes for another version."""

    def __init__(self, clock: Timeline, aliases: Aliases, *, seconds: Callable[[], float]) -> None:
        self.configs: dict[str, Provisioned] = {}
        """Of the aliases that have some."""
        self.failing = ""
        """Why the next alias that moves gets none for its new version."""
        self._clock, self._aliases, self._seconds = clock, aliases, seconds

    def follow(self, before: Alias, moved: Alias) -> None:
        """Until it is there, Lambda itself sends the alias's traffic where it went before.

        That shows as a weight of the old version's (hashicorp/terraform-provider-aws #48116).
        """
        if moved.name not in self.configs or before.version == moved.version:
            return
        held = self._aliases.put(replace(moved, other_version=before.version, other_weight=1.0))
        self.configs[moved.name] = Provisioned(status=ProvisionedStatus.IN_PROGRESS)
        self._clock.after(self._seconds(), lambda: self._release(held, moved))

    def _release(self, held: Alias, moved: Alias) -> None:
        if self._aliases.get(moved.name) != held:
            return
        failure, self.failing = self.failing, ""
        status = ProvisionedStatus.FAILED if failure else ProvisionedStatus.READY
        self.configs[moved.name] = Provisioned(status=status, reason=failure)
        self._aliases.put(moved)
