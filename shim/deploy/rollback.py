"""The way back: to what the function was before a deployment, from wherever that stands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shim.aws.api import Alias
from shim.deploy.alias import AliasExecutor
from shim.deploy.patience import Stopped

if TYPE_CHECKING:
    from shim.plan.alias import AliasPlan, MoveAlias


class BackExecutor(AliasExecutor):
    """Like the others, it goes on from wherever the alias is."""

    def move_back(self, plan: AliasPlan) -> None:
        """Give the alias's traffic to the version that it had."""
        for step in plan.way_back:
            self._give_back(step, plan)

    def _give_back(self, step: MoveAlias, plan: AliasPlan) -> None:
        def wanted(now: Alias) -> Alias | None:
            if (now.version, now.other_version) == (step.old_version, None):
                return None
            self._check_ours(now, step, plan)
            return Alias(name=step.alias, version=step.old_version, revision=now.revision)

        self._update(step, f"moving {step.alias} back to version {step.old_version}", wanted)

    def _check_ours(self, now: Alias, step: MoveAlias, plan: AliasPlan) -> None:
        """Only a version of what the plan leads to was given traffic by it."""
        for version in filter(None, {now.version, now.other_version} - {step.old_version}):
            read = partial(self._api.get_function, self._function, version)
            found = self._patiently("GetFunction", read)
            if found.settings != self._function_in(plan.latest.wanted).settings:
                raise Stopped(
                    f"somebody else moved the alias {step.alias}: it is on version {version}",
                    hint="nothing of that was overwritten",
                )
