"""Holds splits against what comes of them: `python -m tests.templates.split.campaign PAIRS`.

Each pair is a deployment made up by chance, of one to three functions with real packages, in one of
six formats. Each template of its split is read by other means than shim's, and what it says sent to
the control plane in memory, in every order that the tool may choose: every state has to start, and
the last one has to be the new one. Where there is no split, a search of its own finds none. Ends
with an AssertionError, and the pair's number, at the first that doesn't hold.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.check.verdict import Answer
from shim.package.packages import Packages
from shim.templates.between import Judge
from shim.templates.comparison import compare
from shim.templates.project import Folder
from shim.templates.read import Reader
from shim.templates.split.split import Split, split
from tests.templates.split.builders import DAY
from tests.templates.split.deployed import Deployed, calls, walk
from tests.templates.split.pairs import FORMS, World, write
from tests.templates.split.ways import has_way

if TYPE_CHECKING:
    from shim.check.state import State
    from tests.templates.split.pairs import Case, Written


_LOOKED_FOR_EACH = 10
"""Of so many pairs one is searched although there is a split: whether the search finds any."""


@dataclass(kw_only=True, slots=True)
class Tally:
    """What it came to."""

    pairs: int = 0
    functions: int = 0
    states: int = 0
    """That a control plane showed."""
    deployments: Counter[int] = field(default_factory=Counter)
    """How many splits have so many."""
    forms: Counter[str] = field(default_factory=Counter)
    """Of the splits."""
    found: Counter[bool] = field(default_factory=Counter)
    """Of some functions that are split, whether the tests' own search finds a way, too."""
    whole: int = 0
    """Pairs that need no split."""
    none: Counter[str] = field(default_factory=Counter)
    """Functions without a way, by what is said of them."""


def hold(world: World, number: int, tally: Tally) -> None:
    """One pair."""
    chance = Random(number)
    form = chance.choice(FORMS)
    cases = [world.case(chance, f"F{index}") for index in range(chance.choice([1, 1, 2, 3]))]
    # Nobody says where one of the layers lies.
    hidden = {chance.choice([*world.layers])} if chance.random() < 0.1 else set()
    written = write(world, cases, form, world.folder / f"pairs/{number}", chance)
    done = made(world, written, hidden)
    stuck = {_name(way.id) for way in done.stuck(allow_unknown=False)}
    tally.pairs += 1
    tally.functions += len(cases)
    tally.none.update(way.reason for way in done.ways if way.answer is not Answer.STARTS)
    for case in cases:
        knows = Knowledge(world=world, case=case, form=form, hidden=frozenset(hidden))
        if case.name in stuck:
            assert knows.an_end_fails or not knows.a_way, f"{case.name} has a way"
        elif not stuck:
            hold_deployments(knows, written, done, tally)
    if stuck:
        assert not done.folder.exists()
    elif done.deployments:
        hold_last(written, done)
        tally.deployments[len(done.deployments)] += 1
        tally.forms[form] += 1
    else:
        tally.whole += 1
    rmtree(written.folder)


def made(world: World, written: Written, hidden: set[str]) -> Split:
    """What shim makes of it."""
    reader = Reader(project=Folder(root=world.folder))
    old, new = (written.folder / one for one in (written.old, written.new))
    both = reader.read_sides(old) if old == new else (reader.read_side(old), reader.read_side(new))
    packages = Packages()
    layers = {arn: Path(one.path) for arn, one in world.layers.items() if arn not in hidden}
    judge = Judge(packages, layers, day=DAY)
    comparison = compare(both[0].template, both[1].template, judge, packages)
    return split(*both, comparison, written.folder / "out", allow_unknown=False)


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What can be known of a function's change: its truth, without what isn't at hand."""

    world: World
    case: Case
    form: str
    hidden: frozenset[str]

    @property
    def an_end_fails(self) -> bool:
        """Whether it is known to, before or after."""
        ends = (self._begin, self.case.wanted)
        return any(self._answer(one) is Answer.FAILS for one in ends)

    @property
    def a_way(self) -> bool:
        """Whether a search of the tests finds one."""
        return has_way(
            self.world,
            self._begin,
            self.case.wanted,
            starts=lambda state: self._answer(state) is Answer.STARTS,
            hidden=self.hidden,
        )

    @cached_property
    def _begin(self) -> State:
        """With an old package that is none of those that are at hand, where nobody knows it."""
        begin = self.case.begin
        if self.world.is_said(self.case, self.form):
            return begin
        return replace(begin, package=replace(begin.package))

    def _answer(self, state: State) -> Answer:
        is_absent = state.package not in {*self.world.names, *self.world.own.values()}
        layers = {arn for arn, layer in self.world.layers.items() if layer in state.layers}
        if is_absent or layers & self.hidden:
            return Answer.UNKNOWN
        return self.world.verdicts.verdict(state).answer


def hold_deployments(knows: Knowledge, written: Written, done: Split, tally: Tally) -> None:
    """Of one function: what was deployed in truth, whatever of it was known."""
    case, world = knows.case, knows.world
    states = Deployed(world=world, written=written, done=done).states(case)
    assert states[-1] == case.wanted
    if case.name in {_name(move.passage.id) for one in done.deployments for move in one.moves}:
        most = 2 if written.form == "terraform" else 1
        assert all(len(calls(*pair)) <= most for pair in pairwise(states)), "two calls in one"
        if not tally.pairs % _LOOKED_FOR_EACH:
            tally.found[knows.a_way] += 1
    # The two were given: what isn't known of them is nobody's choice.
    given = {case.begin, case.wanted} if knows.hidden else {case.begin}
    for state in walk(world, states, written.form):
        assert state in given or world.verdicts.verdict(state).starts, f"{case.name} fails"
        tally.states += 1


def hold_last(written: Written, done: Split) -> None:
    """The last one is the new one, byte for byte."""
    last = [done.folder / name for name in done.deployments[-1].files]
    new = {"cdk": "new/A.json", "serverless": f"new/{last[0].name[2:]}"}
    if written.form != "terraform":
        after = written.folder / new.get(written.form, written.new)
        assert last[0].read_bytes() == after.read_bytes(), "the last one is not the new one"


def _name(id: str) -> str:  # noqa: A002 # what it is called everywhere
    """A function's, in whatever stack or module."""
    return re.split("[/.]", id)[-1]


def main(words: list[str]) -> int:
    """Hold so many pairs, print what it came to."""
    count = int(words[0]) if words else 10_000
    first = int(words[1]) if len(words) > 1 else 0
    began = time.monotonic()
    tally = Tally()
    with TemporaryDirectory() as folder:
        world = World(Path(folder))
        for number in range(first, first + count):
            try:
                hold(world, number, tally)
            except Exception:
                print(f"pair {number}")
                raise
    for name in tally.__slots__:
        value = getattr(tally, name)
        print(f"{name}: {dict(value.most_common()) if isinstance(value, Counter) else value}")
    print(f"all hold, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
