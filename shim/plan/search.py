"""The shortest plan on which every state starts and no call is refused.

A state is a pair: what `UpdateFunctionCode` sets (package, architecture) and what
`UpdateFunctionConfiguration` sets (the rest). A call moves to any other pair that differs in one
half. Among the shortest plans the one is taken that people would pick:

1. the one that changes the fewest fields in all: nothing goes there and back without need;
2. then, call by call, the code call before the configuration call;
3. then, call by call, the one that changes fewer fields: what can wait, waits.

The search is A*: what a state still has to change is a lower bound of the calls and fields that it
takes, so verdicts are only asked for on states that a better plan could go through.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import product
from operator import ne
from typing import TYPE_CHECKING, TypeVar

from shim.check.state import State
from shim.plan.plan import Plan
from shim.plan.refusals import refusal
from shim.plan.step import Step, UpdateCode, configuration_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from shim.package.read import Package

_Value = TypeVar("_Value")

_Node = tuple[int, int]
_BEGIN: _Node = (0, 0)
"""The first of each list is what the function has now."""

_CODE, _CONFIGURATION = 0, 1
"""In the order in which the two calls are preferred."""

_Move = tuple[int, int]
"""Which call, and how many fields it changes."""

_Way = tuple[int, int, tuple[_Move, ...], tuple[int, ...], _Node, _Node]
"""As ways are compared: the calls and fields that it takes at least, the moves so far, and, only
to tell equals apart, their places in the lists; then where it leads, and from where."""


class Reason(StrEnum):
    """Why there is no plan."""

    BEGIN_FAILS = "the function does not start as it is"
    WANTED_FAILS = "the function would not start as it is wanted"
    BARRED = "every way leads through a state that does not start, or a call that is refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Barred:
    """A call that no plan may make: the API refuses it, or what it leads to doesn't start."""

    begin: State
    step: Step
    state: State
    """What it leads to, or would."""
    refusal: str | None
    """Why the API refuses it; None where `state` doesn't start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoPlan:
    """There is none, and why."""

    begin: State
    wanted: State
    reason: Reason
    day: date | None
    """What it was asked for."""
    barred: tuple[Barred, ...] = ()
    """Every way out of what can be reached, those that come nearest to the wanted state first."""

    @property
    def accepted(self) -> Plan | None:
        """The calls that the API takes, whatever starts in between; None where it refuses them.

        For a function that fails already, or that nobody calls.
        """
        found = find_plan(self.begin, self.wanted, starts=lambda _: True, day=self.day)
        return found if isinstance(found, Plan) else None


def find_plan(
    begin: State,
    wanted: State,
    *,
    bridges: tuple[Package, ...] = (),
    layer_bridges: tuple[tuple[Package, ...], ...] = (),
    starts: Callable[[State], bool],
    day: date | None,
) -> Plan | NoPlan:
    """The shortest plan from `begin` to `wanted`; over a bridge only where it takes one.

    Each element of `bridges` may stand in between as the package, of `layer_bridges` as the layers.
    """
    why_not = partial(NoPlan, begin=begin, wanted=wanted, day=day)
    if not starts(begin):
        return why_not(reason=Reason.BEGIN_FAILS)
    if not starts(wanted):
        return why_not(reason=Reason.WANTED_FAILS)
    search = _Search(begin, wanted, starts=starts, day=day)
    steps = search.run()
    if steps is None and (bridges or layer_bridges):
        search = _Search(
            begin, wanted, starts=starts, day=day, bridges=bridges, layer_bridges=layer_bridges
        )
        steps = search.run()
    if steps is not None:
        return Plan(begin=begin, steps=steps)
    return why_not(reason=Reason.BARRED, barred=search.barred())


class _Search:
    """One search over the product of the fields' values; a node is a place in each half's list."""

    def __init__(
        self,
        begin: State,
        wanted: State,
        *,
        starts: Callable[[State], bool],
        day: date | None,
        bridges: tuple[Package, ...] = (),
        layer_bridges: tuple[tuple[Package, ...], ...] = (),
    ) -> None:
        self._starts, self._day = starts, day
        packages = _unique(begin.package, wanted.package, *bridges)
        layers = _unique(begin.layers, wanted.layers, *layer_bridges)
        self._codes = list(product(packages, _unique(begin.arch, wanted.arch)))
        self._configurations = list(
            product(
                _unique(begin.runtime, wanted.runtime),
                _unique(begin.handler, wanted.handler),
                layers,
                _unique(begin.environment, wanted.environment),
            )
        )
        goal_code = wanted.package, wanted.arch
        goal_configuration = wanted.runtime, wanted.handler, wanted.layers, wanted.environment
        self._wanted = (
            self._codes.index(goal_code),
            self._configurations.index(goal_configuration),
        )
        self._code_left = [_differences(one, goal_code) for one in self._codes]
        self._configuration_left = [
            _differences(one, goal_configuration) for one in self._configurations
        ]
        self._states: dict[_Node, State] = {}
        self._parents: dict[_Node, _Node] = {}
        """Of each state that can be reached: where from."""
        self._failing: set[_Node] = set()

    def run(self) -> tuple[Step, ...] | None:
        """The best plan's steps; None where there is no plan."""
        heap: list[_Way] = [(*self._left(_BEGIN), (), (), _BEGIN, _BEGIN)]
        while heap:
            _, fields, moves, places, node, parent = heapq.heappop(heap)
            if node in self._parents or not self._is_open(parent, node):
                continue
            self._parents[node] = parent
            if node == self._wanted:
                return self._steps_to(node)
            fields -= self._left(node)[1]
            for move, place, neighbour in self._moves(node):
                if neighbour not in self._parents and neighbour not in self._failing:
                    calls_left, fields_left = self._left(neighbour)
                    least = (len(moves) + 1 + calls_left, fields + move[1] + fields_left)
                    way = (*least, (*moves, move), (*places, place), neighbour, node)
                    heapq.heappush(heap, way)
        return None

    def barred(self) -> tuple[Barred, ...]:
        """After a search in vain: each state that couldn't be entered, and by which call."""
        entries: dict[_Node, Barred] = {}
        for parent in self._parents:
            for *_, node in self._moves(parent):
                known = entries.get(node)
                if node not in self._parents and (known is None or known.refusal):
                    entries[node] = self._barred(parent, node)
        return tuple(entries[node] for node in sorted(entries, key=self._left))

    def _barred(self, parent: _Node, node: _Node) -> Barred:
        step = self._step(parent, node)
        begin = self._state(parent)
        return Barred(
            begin=begin,
            step=step,
            state=self._state(node),
            refusal=refusal(begin, step, day=self._day),
        )

    def _is_open(self, parent: _Node, node: _Node) -> bool:
        """Whether the call from `parent` is taken, and the function then starts."""
        if node in self._failing:
            return False
        if node != parent:
            step = self._step(parent, node)
            if refusal(self._state(parent), step, day=self._day) is not None:
                return False
        if not self._starts(self._state(node)):
            self._failing.add(node)
            return False
        return True

    def _moves(self, node: _Node) -> Iterator[tuple[_Move, int, _Node]]:
        """Every call from `node`, the place that it leads to in its half's list, and the node."""
        code, configuration = node
        here: tuple[object, ...] = self._codes[code]
        for index, there in enumerate(self._codes):
            if index != code:
                yield (_CODE, _differences(here, there)), index, (index, configuration)
        here = self._configurations[configuration]
        for index, other in enumerate(self._configurations):
            if index != configuration:
                yield (_CONFIGURATION, _differences(here, other)), index, (code, index)

    def _left(self, node: _Node) -> tuple[int, int]:
        """The fewest calls and fields that it takes from `node` to the wanted state."""
        code = self._code_left[node[0]]
        configuration = self._configuration_left[node[1]]
        return (code > 0) + (configuration > 0), code + configuration

    def _state(self, node: _Node) -> State:
        known = self._states.get(node)
        if known is None:
            package, arch = self._codes[node[0]]
            runtime, handler, layers, environment = self._configurations[node[1]]
            known = self._states[node] = State(
                package=package,
                arch=arch,
                runtime=runtime,
                handler=handler,
                layers=layers,
                environment=environment,
            )
        return known

    def _step(self, parent: _Node, node: _Node) -> Step:
        """The call that leads from one to the other, with nothing in it that stays as it is."""
        if node[0] != parent[0]:
            package, arch = self._codes[node[0]]
            return UpdateCode(package=package, arch=arch)
        return configuration_step(self._state(parent), self._state(node))

    def _steps_to(self, node: _Node) -> tuple[Step, ...]:
        steps: list[Step] = []
        while node != _BEGIN:
            parent = self._parents[node]
            steps.append(self._step(parent, node))
            node = parent
        return tuple(reversed(steps))


def _unique(*values: _Value) -> tuple[_Value, ...]:
    return tuple(dict.fromkeys(values))


def _differences(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    return sum(map(ne, one, other))
