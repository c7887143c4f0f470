"""A plan for a change, over a bridge where the two packages alone give none."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.plan.bridge.layer import bridge_layers
from shim.plan.bridge.package import bridge_packages
from shim.plan.bridge.start import bridge_starts
from shim.plan.bridge.writing import check_apart, write_package
from shim.plan.plan import Plan
from shim.plan.search import NoPlan, Reason, find_plan
from shim.plan.step import Step, UpdateCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.package.read import Package
    from shim.plan.bridge.bridge import Bridge


_FEWEST = 3
"""Calls of a plan over a bridge: onto it, what it is for, and off it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridged:
    """A plan, and the bridges that it goes over: on disk only within `written`."""

    plan: Plan
    used: tuple[Bridge, ...] = ()
    without: Plan | NoPlan | None = None
    """What there is without them: no plan, or one through more unknown states."""
    reasons: tuple[str, ...] = ()
    """Why no bridge spares the unknown states that it goes through."""

    @property
    def bridges(self) -> dict[Package, str]:
        """Those that it goes over, with what each is."""
        return {one.package: one.what for one in self.used}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unbridged:
    """There is no plan, and no bridge that would help."""

    answer: NoPlan
    reasons: tuple[str, ...] = ()
    """Why not; empty where the old or the wanted state doesn't start."""


def find_bridged_plan(
    begin: State,
    wanted: State,
    *,
    verdicts: Verdicts,
    day: date | None,
    folder: Path,
    name: str = "bridge",
) -> Bridged | Unbridged:
    """The plan; a bridge is thought of as `name` in `folder`, nothing is written yet."""
    answer = find_plan(begin, wanted, answer=verdicts.answer, day=day)
    if isinstance(answer, NoPlan) and answer.reason is not Reason.BARRED:
        return Unbridged(answer=answer)
    if isinstance(answer, Plan) and not _doubts(answer, verdicts):
        return Bridged(plan=answer)
    plans, reasons = _over_bridges(answer, verdicts=verdicts, day=day, path=folder / name)
    if isinstance(answer, Plan):
        plans.insert(0, Bridged(plan=answer))
    elif not plans:
        return Unbridged(answer=answer, reasons=reasons)
    # The fewest unknown states, then the shortest; of those, the first: it mixes the least.
    best = min(plans, key=lambda one: (_doubts(one.plan, verdicts), len(one.plan.steps)))
    return replace(best, reasons=reasons) if _doubts(best.plan, verdicts) else best


@contextmanager
def written(
    bridged: Bridged, *, verdicts: Verdicts, progress: Callable[[int], None] = lambda _: None
) -> Iterator[Bridged]:
    """The same with its bridges on disk; if the block fails, what is new there goes away again.

    Raises `InputError` where a package is no longer what the plan was made for.
    """
    new: list[Path] = []
    ours = bridged.bridges.keys()
    for package in ours:
        check_apart(Path(package.path), _packages(bridged.plan) - ours)
    try:
        made: dict[Package, Package] = {}
        for package in ours:
            path = Path(package.path)
            is_new = not path.exists()
            made[package] = write_package(package, progress=progress)
            if is_new:
                new.append(path)
        done = _exchanged(bridged, made)
        if ours:
            _check_same(bridged.plan, done.plan, verdicts)
        yield done
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise


def _over_bridges(
    without: Plan | NoPlan,
    *,
    verdicts: Verdicts,
    day: date | None,
    path: Path,
) -> tuple[list[Bridged], tuple[str, ...]]:
    """A plan for each bridge, until there is none better; and why there are no more."""
    begin, wanted = without.begin, without.wanted
    layer_path = path.with_name(f"{path.name}-layer.zip")
    packages = bridge_packages(begin, wanted, path=f"{path}.zip")
    layers = bridge_layers(begin, wanted, path=str(layer_path))
    bases = (begin.layers, wanted.layers, *(stand for one in layers.found for stand in one.layers))
    starts = bridge_starts(begin, wanted, bases=tuple(dict.fromkeys(bases)), path=layer_path)
    plans: list[Bridged] = []
    reasons = dict.fromkeys(layers.reasons)
    # The fewest bridges first: those that stand in the package's place, then those in front of it.
    sets = [
        tuple(filter(None, (package, *kinds)))
        for kinds in (layers.found, (*layers.found, *starts.found))
        for package in (None, *packages.found)
    ]
    for bridges in dict.fromkeys(sets):
        found = find_plan(
            begin,
            wanted,
            bridges=tuple(one.package for one in bridges if not one.layers),
            layer_bridges=tuple(stand for one in bridges for stand in one.layers),
            handler_bridges=tuple(one.handler for one in bridges if one.handler),
            answer=verdicts.answer,
            day=day,
        )
        if isinstance(found, NoPlan):
            reasons |= dict.fromkeys(_failures(found, bridges, verdicts=verdicts))
            continue
        plans.append(_used(found, bridges, without=without))
        if len(found.steps) <= _FEWEST and not _doubts(found, verdicts):
            break
    return plans, tuple(reasons | dict.fromkeys((*packages.reasons, *starts.reasons)))


def _doubts(plan: Plan, verdicts: Verdicts) -> int:
    """How many unknown states it chooses to go through."""
    return len(plan.unknown_between(verdicts.answer))


def _used(plan: Plan, bridges: tuple[Bridge, ...], *, without: Plan | NoPlan) -> Bridged:
    """The plan with those of the bridges that it really goes over."""
    packages = _packages(plan)
    used = tuple(one for one in bridges if one.package in packages)
    return Bridged(plan=plan, used=used, without=without if used else None)


def _packages(plan: Plan) -> set[Package]:
    return {one for state in plan.states for one in (state.package, *state.layers)}


def _failures(answer: NoPlan, bridges: tuple[Bridge, ...], *, verdicts: Verdicts) -> Iterator[str]:
    """What keeps the bridges from starting where they would have to."""
    for barred in answer.barred:
        state = barred.state
        standing = [one for one in bridges if one.package in (state.package, *state.layers)]
        if not standing:
            continue
        if barred.refusal:
            yield f"a {standing[0].kind} can't be there: {barred.refusal}"
            continue
        finding = verdicts.verdict(state).findings[0]
        if not any(finding.location.startswith(f"{one.path}!") for one in _given(answer)):
            yield (
                f"a {standing[0].kind} doesn't start on {state.runtime.name} {state.arch}"
                f" with the handler `{state.handler}`: {finding.location} {finding.sentence}"
            )


def _given(answer: NoPlan) -> set[Package]:
    """The packages that are not ours: what is wrong with those is told anyway."""
    states = (answer.begin, answer.wanted)
    return {one for state in states for one in (state.package, *state.layers)}


def _exchanged(bridged: Bridged, made: Mapping[Package, Package]) -> Bridged:
    steps = tuple(_exchanged_step(step, made) for step in bridged.plan.steps)
    used = tuple(
        replace(
            one,
            package=made[one.package],
            layers=tuple(_exchanged_layers(stand, made) for stand in one.layers),
        )
        for one in bridged.used
    )
    return replace(bridged, plan=replace(bridged.plan, steps=steps), used=used)


def _exchanged_step(step: Step, made: Mapping[Package, Package]) -> Step:
    if isinstance(step, UpdateCode):
        return replace(step, package=made.get(step.package, step.package))
    if step.layers is None:
        return step
    return replace(step, layers=_exchanged_layers(step.layers, made))


def _exchanged_layers(
    layers: Iterable[Package], made: Mapping[Package, Package]
) -> tuple[Package, ...]:
    return tuple(made.get(layer, layer) for layer in layers)


def _check_same(planned: Plan, written: Plan, verdicts: Verdicts) -> None:
    """Each state has to be what the plan was made by."""
    for before, now in zip(planned.states, written.states, strict=True):
        verdict = verdicts.verdict(now)
        if verdict.answer is not verdicts.answer(before):
            reason = verdict.reason
            raise InputError(
                "a package changed while the bridge was made of it"
                + (f": {reason.location} {reason.sentence}" if reason else ""),
                hint="plan again",
            )
