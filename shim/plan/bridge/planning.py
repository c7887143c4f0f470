"""A plan for a change, over a bridge where the two packages alone give none."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.plan.bridge.layer import LayerBridge, bridge_layers
from shim.plan.bridge.package import Bridge, bridge_packages
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


_FEWEST = 3
"""Calls of a plan over a bridge: onto it, what it is for, and off it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridged:
    """A plan, and the bridges that it goes over: on disk only within `written`."""

    plan: Plan
    bridge: Bridge | None = None
    layer_bridge: LayerBridge | None = None
    without: Plan | NoPlan | None = None
    """What there is without them: no plan, or one through more unknown states."""
    reasons: tuple[str, ...] = ()
    """Why no bridge spares the unknown states that it goes through."""

    @property
    def bridges(self) -> dict[Package, str]:
        """Those that it goes over, with what each is."""
        both = (self.bridge, self.layer_bridge)
        return {one.package: one.what for one in both if one is not None}


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
    bridge_path: Path,
    layer_path: Path,
) -> Bridged | Unbridged:
    """The plan; bridges are thought of as lying at the two paths, nothing is written yet."""
    answer = find_plan(begin, wanted, answer=verdicts.answer, day=day)
    if isinstance(answer, NoPlan) and answer.reason is not Reason.BARRED:
        return Unbridged(answer=answer)
    if isinstance(answer, Plan) and not _doubts(answer, verdicts):
        return Bridged(plan=answer)
    plans, reasons = _over_bridges(
        answer, verdicts=verdicts, day=day, bridge_path=bridge_path, layer_path=layer_path
    )
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
    bridge_path: Path,
    layer_path: Path,
) -> tuple[list[Bridged], tuple[str, ...]]:
    """A plan for each bridge, until there is none better; and why there are no more."""
    begin, wanted = without.begin, without.wanted
    plans: list[Bridged] = []
    reasons: dict[str, None] = {}
    layers = None
    try:
        layers = bridge_layers(begin, wanted, path=str(layer_path))
    except InputError as error:
        reasons[error.message] = None
    bridges = bridge_packages(begin, wanted, path=str(bridge_path))
    for bridge in (None, *bridges.found):
        found = find_plan(
            begin,
            wanted,
            bridges=(bridge.package,) if bridge else (),
            layer_bridges=(layers.layers,) if layers else (),
            answer=verdicts.answer,
            day=day,
        )
        if isinstance(found, NoPlan):
            reasons |= dict.fromkeys(_failures(found, bridge, layers, verdicts=verdicts))
            continue
        plans.append(_used(found, bridge, layers, without=without))
        if len(found.steps) <= _FEWEST and not _doubts(found, verdicts):
            break
    return plans, tuple(reasons | dict.fromkeys(bridges.reasons))


def _doubts(plan: Plan, verdicts: Verdicts) -> int:
    """How many unknown states it chooses to go through."""
    return len(plan.unknown_between(verdicts.answer))


def _used(
    plan: Plan, bridge: Bridge | None, layers: LayerBridge | None, *, without: Plan | NoPlan
) -> Bridged:
    """The plan with those of the bridges that it really goes over."""
    packages = _packages(plan)
    used = Bridged(
        plan=plan,
        bridge=bridge if bridge and bridge.package in packages else None,
        layer_bridge=layers if layers and layers.package in packages else None,
    )
    return replace(used, without=without) if used.bridges else used


def _packages(plan: Plan) -> set[Package]:
    return {one for state in plan.states for one in (state.package, *state.layers)}


def _failures(
    answer: NoPlan, bridge: Bridge | None, layers: LayerBridge | None, *, verdicts: Verdicts
) -> Iterator[str]:
    """What keeps the bridges from starting where they would have to."""
    for barred in answer.barred:
        state = barred.state
        uses_package = bridge is not None and state.package is bridge.package
        uses_layers = layers is not None and layers.package in state.layers
        if barred.refusal is None and (uses_package or uses_layers):
            finding = verdicts.verdict(state).findings[0]
            if any(finding.location.startswith(f"{one.path}!") for one in _given(answer)):
                continue
            which = "package" if uses_package else "layer"
            yield (
                f"a bridge {which} doesn't start on {state.runtime.name} {state.arch}"
                f" with the handler `{state.handler}`: {finding.location} {finding.sentence}"
            )


def _given(answer: NoPlan) -> set[Package]:
    """The packages that are not ours: what is wrong with those is told anyway."""
    states = (answer.begin, answer.wanted)
    return {one for state in states for one in (state.package, *state.layers)}


def _exchanged(bridged: Bridged, made: Mapping[Package, Package]) -> Bridged:
    bridge, layers = bridged.bridge, bridged.layer_bridge
    return replace(
        bridged,
        plan=replace(
            bridged.plan, steps=tuple(_exchanged_step(step, made) for step in bridged.plan.steps)
        ),
        bridge=bridge and replace(bridge, package=made[bridge.package]),
        layer_bridge=layers
        and replace(
            layers, package=made[layers.package], layers=_exchanged_layers(layers.layers, made)
        ),
    )


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
