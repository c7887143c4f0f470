"""What a plan has to be, said a second time: shares no code, no data and no idea with the planner.

A state is a number, a set of states a bit set, and a shortest path is found by breadth-first search
over whole sets. What the API refuses is stated anew here, from the table in the developer guide.
Whether a state starts is known, or known not to be, or unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = (0, 1)
CONFIGURATION = (2, 3, 4, 5)
"""The indexes of package and architecture; of runtime, handler, layers and environment."""

ARCHITECTURES = {
    "go1.x": {"x86_64"},
    "provided": {"x86_64"},
}
BLOCKED = {
    # No function can be moved to it since, none that has it can be changed since.
    "go1.x": ("2024-02-08", "2027-03-03"),
    "provided": ("2024-02-08", "2027-03-03"),
    "provided.al2": ("2027-02-01", "2027-03-03"),
    "provided.al2023": ("2029-07-31", "2029-08-31"),
}
NEVER = ("9999", "9999")

Node = tuple[int, int | None, frozenset[int]]
"""What the function is; which call the executor sends next, None: killed; the calls under way."""


@dataclass(kw_only=True)
class Space:
    """All combinations of the values of six fields, and which of them start."""

    counts: tuple[int, int, int, int, int, int]
    """How many packages, architectures, runtimes, handlers, layers and environments there are."""
    architectures: tuple[str, ...]
    runtimes: tuple[str, ...]
    day: str
    """Empty: the dates are left out."""
    starts: int
    """A bit for each state."""
    unknown: int = 0
    """A bit for each state of which it isn't known whether it starts; none of `starts`."""
    bridges: frozenset[int] = frozenset()
    layer_bridges: frozenset[int] = frozenset()
    handler_bridges: frozenset[int] = frozenset()

    @cached_property
    def values(self) -> list[tuple[int, ...]]:
        """Each state's values, the state being the index into this list."""
        return list(product(*map(range, self.counts)))

    @cached_property
    def number(self) -> dict[tuple[int, ...], int]:
        """The state of these values."""
        return {values: number for number, values in enumerate(self.values)}

    @cached_property
    def with_value(self) -> list[list[int]]:
        """For each field and value the set of the states that have it."""
        sets = [[0] * count for count in self.counts]
        for state, values in enumerate(self.values):
            for index, value in enumerate(values):
                sets[index][value] |= 1 << state
        return sets

    @cached_property
    def next_to(self) -> list[int]:
        """For each state the set of those that one call leads to."""
        return [
            sum(1 << other for other in bits(self.half_away(state)) if self.is_taken(state, other))
            for state in range(len(self.values))
        ]

    def half_away(self, state: int) -> int:
        """The states with the same package and architecture, or with all else the same."""
        same = [self.with_value[index][value] for index, value in enumerate(self.values[state])]
        same_code = same[0] & same[1]
        same_configuration = same[2] & same[3] & same[4] & same[5]
        return same_code | same_configuration

    def is_taken(self, state: int, other: int) -> bool:
        """Whether one call leads from one to the other, and the API takes it; or repeats it."""
        before, then = self.values[state], self.values[other]
        changed = {index for index in range(6) if before[index] != then[index]}
        if not (changed <= set(CODE) or changed <= set(CONFIGURATION)):
            return False
        old, new = self.runtimes[before[2]], self.runtimes[then[2]]
        if self.architectures[then[1]] not in ARCHITECTURES.get(new, {"x86_64", "arm64"}):
            return False
        if old == new:
            return not self.day >= BLOCKED.get(old, NEVER)[1]
        return not self.day >= BLOCKED.get(new, NEVER)[0]

    def is_possible(self, state: int) -> bool:
        """Whether a function can be in that state at all."""
        _, arch, runtime, *_ = self.values[state]
        return self.architectures[arch] in ARCHITECTURES.get(
            self.runtimes[runtime], {"x86_64", "arm64"}
        )

    def allowed(self, begin: int, wanted: int, *, bridged: bool) -> int:
        """The states that don't fail and have only values of these two, and of the bridges."""
        return (self.starts | self.unknown) & self.between(begin, wanted, bridged=bridged)

    def between(self, begin: int, wanted: int, *, bridged: bool) -> int:
        """The same, whether they start or not."""
        result = (1 << len(self.values)) - 1
        for index, sets in enumerate(self.with_value):
            old, new = self.values[begin][index], self.values[wanted][index]
            either = sets[old] | sets[new]
            extra = {0: self.bridges, 3: self.handler_bridges, 4: self.layer_bridges}
            for value in extra.get(index, ()) if bridged else ():
                either |= sets[value]
            result &= either
        return result

    def doubtful(self, begin: int, wanted: int) -> int:
        """The unknown states that a way between these two may spare: the two are what they are."""
        return self.unknown & ~(1 << begin | 1 << wanted)

    def after(self, states: int) -> int:
        """All that one call leads to from one of them."""
        reached = 0
        for state in bits(states):
            reached |= self.next_to[state]
        return reached

    def reachable(self, begin: int, allowed: int) -> int:
        """Every state that calls lead to."""
        seen = frontier = 1 << begin
        while frontier:
            frontier = self.after(frontier) & allowed & ~seen
            seen |= frontier
        return seen

    def fewest_unknown(self, begin: int, wanted: int, allowed: int) -> int | None:
        """Through how many unknown states one has to go; None where no calls lead there."""
        doubtful = self.doubtful(begin, wanted)
        seen = self.reachable(begin, allowed & ~doubtful)
        entered = 0
        while not seen >> wanted & 1:
            edge = self.after(seen) & allowed & doubtful & ~seen
            if not edge:
                return None
            for state in bits(edge):
                seen |= self.reachable(state, allowed & ~doubtful)
            entered += 1
        return entered

    def distance(self, begin: int, wanted: int, allowed: int, *, unknown: int = 0) -> int | None:
        """The fewest calls through so many unknown states; None where no such calls lead there."""
        doubtful = self.doubtful(begin, wanted)
        # One set for each number of unknown states that were gone through.
        frontiers = [1 << begin] + unknown * [0]
        seen = frontiers.copy()
        calls = 0
        while not any(frontier >> wanted & 1 for frontier in frontiers):
            reached = [self.after(frontier) & allowed for frontier in frontiers]
            entering = [0] + [states & doubtful for states in reached[:-1]]
            frontiers = [
                (states & ~doubtful | entered) & ~known
                for states, entered, known in zip(reached, entering, seen, strict=True)
            ]
            seen = [known | frontier for known, frontier in zip(seen, frontiers, strict=True)]
            calls += 1
            if not any(frontiers):
                return None
        return calls

    def shortest(
        self, begin: int, wanted: int, allowed: int, *, unknown: int = 0
    ) -> Iterator[tuple[int, ...]]:
        """Every shortest way through so many unknown states, one after the other."""
        doubtful = self.doubtful(begin, wanted)
        calls = self.distance(begin, wanted, allowed, unknown=unknown)
        ways: list[tuple[tuple[int, ...], int]] = []
        if calls is not None:
            ways = [((begin,), unknown)]
        for left in range((calls or 0) - 1, -1, -1):
            longer = (
                ((*way, state), spare - (doubtful >> state & 1))
                for way, spare in ways
                for state in bits(self.next_to[way[-1]] & allowed & ~(1 << way[-1]))
            )
            ways = [
                (way, spare)
                for way, spare in longer
                if spare >= 0 and self.distance(way[-1], wanted, allowed, unknown=spare) == left
            ]
        yield from (way for way, _ in ways)

    def rank(self, way: tuple[int, ...]) -> tuple[int, list[tuple[int, int]]]:
        """What the planner says it prefers: fewer fields in all; code first; less at first."""
        calls = []
        for before, then in pairwise(way):
            changed = [
                index
                for index in range(6)
                if self.values[before][index] != self.values[then][index]
            ]
            calls.append((int(changed[0] in CONFIGURATION), len(changed)))
        return sum(count for _, count in calls), calls


def bits(numbers: int) -> Iterator[int]:
    """The indexes of the bits that are set."""
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest


def worlds(space: Space, way: tuple[int, ...], sent: list[dict[int, int]]) -> set[int]:
    """Every state that a function can be in while an executor carries out the calls `sent`.

    Any call may be lost, refused for the rate, or taken without the executor hearing of it: then it
    is sent again. The executor may be killed at any moment, and started again goes on from where
    the function is; a call that was under way may still arrive then, unless the function has been
    changed meanwhile (RevisionId). Raises `AssertionError` where a call is refused by the rules or
    where the end can no longer be reached.
    """
    first: Node = (way[0], 0, frozenset())
    todo, seen = [first], {first: set[Node]()}
    end = len(sent)
    while todo:
        node = todo.pop()
        state, at, under_way = node
        after: set[Node] = set()
        for call in under_way:
            values = list(space.values[state])
            for index, value in sent[call].items():
                values[index] = value
            changed = space.number[tuple(values)]
            assert space.is_taken(state, changed), "a call is refused on the way"
            # Taken: what else is under way bears an older RevisionId. Answered, or not.
            after.add((changed, at, frozenset()))
            if at == call:
                after.add((changed, call + 1, frozenset()))
            after.add((state, at, under_way - {call}))
        if at is None:
            assert state in way, "the function is where the plan doesn't go"
            after.add((state, way.index(state), under_way))
        else:
            after.add((state, None, under_way))
            if at < end:
                after.add((state, at, under_way | {at}))
        seen[node] = after
        for one in after:
            if one not in seen:
                seen[one] = set()
                todo.append(one)
    _check_end_is_near(seen, (way[-1], end, frozenset()))
    return {state for state, _, _ in seen}


def _check_end_is_near(
    seen: dict[Node, set[Node]],
    end: Node,
) -> None:
    """From everywhere the end can still be reached."""
    before: dict[object, list[Node]] = {}
    for node, following in seen.items():
        for one in following:
            before.setdefault(one, []).append(node)
    near, todo = {end}, [end]
    while todo:
        for node in before.get(todo.pop(), ()):
            if node not in near:
                near.add(node)
                todo.append(node)
    assert near == set(seen), "the end can't be reached any more"
