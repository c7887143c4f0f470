"""The best plan on which no state fails and no call is refused.

A state is a pair: what `UpdateFunctionCode` sets (package, architecture) and what
`UpdateFunctionConfiguration` sets (the rest). A call moves to any other pair that differs in one
half. No plan goes through a state that is known to fail. Of some states it is unknown whether they
start, so that a plan takes, in this order:

1. states in between that are all known to start, without a bridge;
2. states in between that are all known to start, over a bridge;
3. as few unknown states in between as can be: over a bridge only where that spares one of them.

So a bridge is built before an unknown state is gone through. The function as it is now and as it is
wanted are not the plan's choice: either may be unknown, and a plan is found all the same. A
function that serves is known to its owner to start, and what is wanted was asked for.

Among the plans that are equal in that the shortest is taken, and of those the one that people would
pick:

1. the one that changes the fewest fields in all: nothing goes there and back without need;
2. then, call by call, the code call before the configuration call;
3. then, call by call, the one that changes fewer fields: what can wait, waits.

The search is A*: what a state still has to change is a lower bound of the calls and fields that it
takes, so verdicts are only asked for on states that a better plan could go through. A state whose
verdict turns out to be unknown goes back among the ways, with that one more.
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
from shim.check.verdict import Answer
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

_Way = tuple[int, int, int, tuple[_Move, ...], tuple[int, ...], _Node, _Node]
"""As ways are compared: the unknown states so far, the calls and fields that it takes at least, the
moves so far, and, only to tell equals apart, their indexes in the lists; then where it leads, and
from where."""


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
    """Why the API refuses it; None where `state` fails."""


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
        found = find_plan(self.begin, self.wanted, answer=whatever_starts, day=self.day)
        return found if isinstance(found, Plan) else None


def whatever_starts(state: State) -> Answer:
    """For a function that nobody calls: only the API's refusals then count."""
    del state
    return Answer.STARTS


def find_plan(
    begin: State,
    wanted: State,
    *,
    bridges: tuple[Package, ...] = (),
    layer_bridges: tuple[tuple[Package, ...], ...] = (),
    handler_bridges: tuple[str, ...] = (),
    answer: Callable[[State], Answer],
    day: date | None,
) -> Plan | NoPlan:
    """The best plan from `begin` to `wanted`; over a bridge only where that spares something.

    Each element of `bridges` may stand in between as the package, of `layer_bridges` as the layers,
    of `handler_bridges` as the handler.
    Layers that are not at hand stay as they are: both states have the same.
    """
    why_not = partial(NoPlan, begin=begin, wanted=wanted, day=day)
    if answer(begin) is Answer.FAILS:
        return why_not(reason=Reason.BEGIN_FAILS)
    if answer(wanted) is Answer.FAILS:
        return why_not(reason=Reason.WANTED_FAILS)
    search = _Search(begin, wanted, answer=answer, day=day)
    best = search.run()
    if (best is None or best.unknown) and (bridges or layer_bridges or handler_bridges):
        search = _Search(
            begin,
            wanted,
            answer=answer,
            day=day,
            bridges=bridges,
            layer_bridges=layer_bridges,
            handler_bridges=handler_bridges,
        )
        over_bridge = search.run()
        if over_bridge and (best is None or over_bridge.unknown < best.unknown):
            best = over_bridge
    if best is not None:
        return Plan(begin=begin, steps=best.steps)
    return why_not(reason=Reason.BARRED, barred=search.barred())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Best:
    """What a search found."""

    steps: tuple[Step, ...]
    unknown: int
    """How many of the states in between it is unknown of whether they start."""


class _Search:
    """One search over the product of the fields' values; a node is an index in each half."""

    def __init__(
        self,
        begin: State,
        wanted: State,
        *,
        answer: Callable[[State], Answer],
        day: date | None,
        bridges: tuple[Package, ...] = (),
        layer_bridges: tuple[tuple[Package, ...], ...] = (),
        handler_bridges: tuple[str, ...] = (),
    ) -> None:
        self._answer, self._day = answer, day
        self._absent_layers = wanted.absent_layers
        packages = _unique(begin.package, wanted.package, *bridges)
        layers = _unique(begin.layers, wanted.layers, *layer_bridges)
        self._codes = list(product(packages, _unique(begin.arch, wanted.arch)))
        self._configurations = list(
            product(
                _unique(begin.runtime, wanted.runtime),
                _unique(begin.handler, wanted.handler, *handler_bridges),
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
        self._unknown: set[_Node] = set()
        """Those in between that were asked about."""

    def run(self) -> _Best | None:
        """The best plan; None where there is none."""
        heap: list[_Way] = [(0, *self._left(_BEGIN), (), (), _BEGIN, _BEGIN)]
        unknown_up_to = {_BEGIN: 0}
        while heap:
            unknown, calls, fields, moves, indexes, node, parent = heapq.heappop(heap)
            if node in self._parents or not self._is_open(parent, node):
                continue
            met = unknown_up_to[parent] + (node in self._unknown)
            if unknown < met:
                heapq.heappush(heap, (met, calls, fields, moves, indexes, node, parent))
                continue
            self._parents[node], unknown_up_to[node] = parent, met
            if node == self._wanted:
                return _Best(steps=self._steps_to(node), unknown=met)
            fields -= self._left(node)[1]
            for move, index, neighbour in self._moves(node):
                if neighbour not in self._parents and neighbour not in self._failing:
                    calls_left, fields_left = self._left(neighbour)
                    least = (len(moves) + 1 + calls_left, fields + move[1] + fields_left)
                    way = (met, *least, (*moves, move), (*indexes, index), neighbour, node)
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
        """Whether the call from `parent` is taken, and the function then doesn't fail."""
        if node in self._failing:
            return False
        if node != parent:
            step = self._step(parent, node)
            if refusal(self._state(parent), step, day=self._day) is not None:
                return False
        answer = self._answer(self._state(node))
        if answer is Answer.FAILS:
            self._failing.add(node)
        elif answer is Answer.UNKNOWN and node not in {_BEGIN, self._wanted}:
            self._unknown.add(node)
        return answer is not Answer.FAILS

    def _moves(self, node: _Node) -> Iterator[tuple[_Move, int, _Node]]:
        """Every call from `node`, the index that it leads to in its half's list, and the node."""
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
                absent_layers=self._absent_layers,
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
