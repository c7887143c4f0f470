"""What `shim simulate` changes: read, planned, and with its bridges on disk."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.cli.change import read_change
from shim.cli.change_options import given_options
from shim.cli.day import today
from shim.errors import InputError
from shim.fields import naming, read_file
from shim.plan.alias import AliasPlan, MoveAlias
from shim.plan.bridge.planning import Bridged, written
from shim.plan.saved import read_plan
from shim.plan.search import NoPlan
from shim.simulate.changes import FIRST_VERSION, PLAN, alias_change, changes
from shim.simulate.simulation import LiveAlias

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from datetime import date

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.cli.change import AliasNow, Change
    from shim.package.read import Package
    from shim.plan.plan import Plan
    from shim.simulate.changes import Change as Way


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What is simulated."""

    begin: State
    wanted: State
    plan: Plan | AliasPlan | None
    why_not: str = ""
    """Why there is no plan."""
    layers: Mapping[Package, str]
    """The ARNs of those that have one."""
    day: date | None
    alias: LiveAlias | None = None
    """Where the traffic is, if not on `$LATEST`."""

    def changes(self, *, seed: int, pause: float) -> dict[str, Way]:
        """What is compared; `$LATEST` behind an alias meets no traffic in whatever order."""
        if isinstance(self.plan, AliasPlan):
            return {PLAN: alias_change(self.plan, pause=pause)}
        if self.alias:
            return {}
        return changes(self.begin, self.wanted, self.plan, seed=seed, day=self.day)


@contextmanager
def read_case(arguments: argparse.Namespace, verdicts: Verdicts) -> Iterator[Case]:
    """What the arguments ask for; a bridge lies on disk as long as the block runs."""
    if arguments.plan:
        if beside := next(given_options(arguments), None):
            raise InputError(f"a plan has all that {beside} would say")
        yield _saved(arguments.plan)
        return
    change, day = read_change(arguments), today()
    _check_layers(change.begin)
    if change.alias:
        yield _on_alias(change, change.alias, arguments, verdicts=verdicts, day=day)
        return
    with tempfile.TemporaryDirectory(prefix="shim-bridge-") as folder, ExitStack() as stack:
        found = change.bridged_plan(verdicts, day=day, folder=Path(folder))
        plan, why_not = None, ""
        if isinstance(found, Bridged):
            plan = stack.enter_context(written(found, verdicts=verdicts)).plan
        else:
            why_not = "; ".join(found.reasons) or found.answer.reason.value
        yield Case(
            begin=change.begin,
            wanted=change.wanted,
            plan=plan,
            why_not=why_not,
            layers=change.arns,
            day=day,
        )


def _on_alias(
    change: Change,
    alias: AliasNow,
    arguments: argparse.Namespace,
    *,
    verdicts: Verdicts,
    day: date,
) -> Case:
    now = replace(alias, version=FIRST_VERSION)
    plan = change.alias_plan(now, verdicts, day=day, shares=arguments.shares)
    return Case(
        begin=change.begin,
        wanted=change.wanted,
        plan=None if isinstance(plan, NoPlan) else plan,
        why_not=plan.reason.value if isinstance(plan, NoPlan) else "",
        layers=change.arns,
        day=day,
        alias=LiveAlias(name=alias.name, state=alias.state),
    )


def _saved(path: Path) -> Case:
    with naming(str(path)):
        saved = read_plan(read_file(path), folder=path.parent)
    plan = saved.plan
    latest = plan.latest if isinstance(plan, AliasPlan) else plan
    _check_layers(latest.begin)
    return Case(
        begin=latest.begin,
        wanted=latest.wanted,
        plan=plan,
        layers=saved.arns,
        day=saved.day,
        alias=_live(plan) if isinstance(plan, AliasPlan) else None,
    )


def _live(plan: AliasPlan) -> LiveAlias | None:
    """Of its version a saved plan says nothing: that it is what `$LATEST` is is the usual."""
    names = [step.alias for step in plan.after if isinstance(step, MoveAlias)]
    return LiveAlias(name=names[0], state=plan.latest.begin) if names else None


def _check_layers(state: State) -> None:
    if state.absent_layers:
        raise InputError(
            f"without its layers the function can't be started: `{state.absent_layers[0]}`",
            hint=f"say where they lie: `--from-layer {state.absent_layers[0]}=ZIP`",
        )
