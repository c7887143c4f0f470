"""The plan for traffic on an alias: versions never mix, so only the API's rules bind the order.

A version is a snapshot of code and configuration together. `$LATEST`, which nobody calls, may pass
through states that don't start; what is published is invoked before the alias moves, so that it may
be unknown whether it starts; and the way back is one call, for the old version stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from shim.check.verdict import Answer
from shim.errors import InputError
from shim.plan.plan import Plan
from shim.plan.search import NoPlan, Reason, find_plan, whatever_starts
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from shim.check.state import State

LATEST = "$LATEST"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishVersion:
    """A snapshot of `$LATEST`.

    Sent with the `RevisionId` that the call before it returned: what somebody else changed in
    between is not published.
    """

    CALL: ClassVar = "PublishVersion"
    code_sha256: str | None = None
    """The package that has to be in `$LATEST`, base64; None where it isn't known."""

    @property
    def undo(self) -> None:
        """None: a version that no alias names serves nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InvokeVersion:
    """The version that was published is invoked: a failed start ends the plan here."""

    CALL: ClassVar = "Invoke"

    @property
    def undo(self) -> None:
        """None: nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveAlias:
    """The alias's traffic between the version that it had and the published one."""

    CALL: ClassVar = "UpdateAlias"
    alias: str
    old_version: str
    share: float
    """Of the invocations that go to the published version, over 0 to 1; 0 is the way back."""

    @property
    def undo(self) -> MoveAlias:
        """All traffic to the old version."""
        return MoveAlias(alias=self.alias, old_version=self.old_version, share=0.0)


AliasStep = UpdateCode | UpdateConfiguration | PublishVersion | InvokeVersion | MoveAlias


@dataclass(frozen=True, kw_only=True, slots=True)
class AliasPlan:
    """Steps in their order, and the way back from any of them."""

    latest: Plan
    """What happens to `$LATEST`."""
    after: tuple[PublishVersion | InvokeVersion | MoveAlias, ...]
    """What happens then: nothing, where the alias already has what is wanted."""

    @property
    def steps(self) -> tuple[AliasStep, ...]:
        """All of them."""
        return (*self.latest.steps, *self.after)

    @property
    def way_back(self) -> tuple[MoveAlias, ...]:
        """What brings the traffic back: one call once the alias has begun to move."""
        return tuple(step.undo for step in self.after if isinstance(step, MoveAlias))[-1:]


def find_alias_plan(
    begin: State,
    wanted: State,
    *,
    live: State,
    alias: str,
    old_version: str,
    shares: tuple[float, ...] = (),
    code_sha256: str | None = None,
    answer: Callable[[State], Answer],
    day: date | None,
) -> AliasPlan | NoPlan:
    """The plan that brings `alias` from `old_version`, which is `live`, to one that is `wanted`.

    `begin` is `$LATEST` as it is now, whether it starts or not; `shares` are what the new version
    gets before it gets everything. Where the alias has what is wanted, nothing is published; where
    that is known to fail, there is no plan.
    """
    _check_shares(shares, old_version)
    if live == wanted:
        return AliasPlan(latest=Plan(begin=begin, steps=()), after=())
    if answer(wanted) is Answer.FAILS:
        return NoPlan(begin=begin, wanted=wanted, reason=Reason.WANTED_FAILS, day=day)
    latest = find_plan(begin, wanted, answer=whatever_starts, day=day)
    if isinstance(latest, NoPlan):
        return latest
    moves = (
        MoveAlias(alias=alias, old_version=old_version, share=share) for share in (*shares, 1.0)
    )
    return AliasPlan(
        latest=latest, after=(PublishVersion(code_sha256=code_sha256), InvokeVersion(), *moves)
    )


def _check_shares(shares: tuple[float, ...], old_version: str) -> None:
    """Lambda API, `RoutingConfig`: two versions at most, both published, weights from 0 to 1."""
    if any(not low < high for low, high in pairwise((0.0, *shares, 1.0))):
        given = " ".join(map(str, shares))
        raise InputError(
            f"the new version's shares have to rise, from over 0 to under 1: {given}",
            hint="0.1 0.5, say: first a tenth of the invocations, then half of them",
        )
    if shares and old_version == LATEST:
        raise InputError(
            f"an alias on {LATEST} can't be moved in shares: Lambda weighs published versions only",
            hint="publish what is there now and bring the alias to that version, or move at once",
        )
