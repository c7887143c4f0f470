"""States as people read them: in a table, and by a letter where it isn't certain that they start.

Such a state is described once, and called by its letter everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from shim.check.verdict import Answer
from shim.cli.text.tables import Column, print_table
from shim.plan.wording import WORDS, kind, letters, reason
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.plan.plan import Plan
    from shim.plan.wording import Names

STYLES = {Answer.STARTS: "green", Answer.FAILS: "red", Answer.UNKNOWN: "magenta"}

_COLUMNS = (
    Column(title="package", folds=True),
    Column(title="arch"),
    Column(title="runtime"),
    Column(title="handler", folds=True),
    Column(title="layers", folds=True),
)


class States:
    """Puts states into words; gives letters in the order in which they are asked for."""

    def __init__(self, *, names: Names, verdicts: Verdicts) -> None:
        self._names = names
        self._verdicts = verdicts
        self._letters: dict[State, str] = {}
        """Of the states that were spoken of and don't start for certain."""
        self._described = 0
        """How many of them were described already."""

    def print_table(self, plan: Plan, console: Console) -> None:
        """A line for each state, with what the call before it changed in bold.

        What is never there has no column.
        """
        states = [self._cells(state) for state in plan.states]
        shown = [
            index for index, cells in enumerate(zip(*states, strict=True)) if {*cells} != {"-"}
        ]
        columns = [Column(title="   call"), *(_COLUMNS[index] for index in shown), Column()]
        rows, before = [], states[0]
        for number, (cells, state) in enumerate(zip(states, plan.states, strict=True)):
            call = f"{number}  {kind(plan.steps[number - 1])}" if number else "   now"
            texts = [
                Text(cells[index], "bold" if cells[index] != before[index] else "")
                for index in shown
            ]
            rows.append((Text(call), *texts, self.answer(state)))
            before = cells
        print_table(console, columns, rows)

    def answer(self, state: State) -> Text:
        """Whether it starts, with its letter where that isn't certain."""
        answer = self._verdicts.answer(state)
        word = WORDS[answer]
        if answer is not Answer.STARTS:
            word = f"{word}: {self.letter(state)}"
        return Text(word, STYLES[answer])

    def letter(self, state: State) -> str:
        """What a state is called that doesn't start for certain."""
        return self._letters.setdefault(self._key(state), letters(len(self._letters)))

    def problems(self, states: Iterable[State], *, is_brief: bool) -> Iterator[Text]:
        """The states that fail, by their letters, and those that are unknown."""
        found: dict[Answer, list[State]] = {Answer.FAILS: [], Answer.UNKNOWN: []}
        for state in states:
            found.get(self._verdicts.answer(state), []).append(state)
        for answer, those in found.items():
            spoken_of = [one for one in those if not is_brief or self._key(one) in self._letters]
            named = sorted({self.letter(one) for one in spoken_of}, key=lambda one: (len(one), one))
            left = len(those) - len(spoken_of)
            named += [f"{left} more"] if left else []
            if named:
                yield Text(f"{WORDS[answer]}: {', '.join(named)}", STYLES[answer])

    def undescribed(self) -> Iterator[Text]:
        """What the letters stand for that were given since the last time."""
        for state, letter in [*self._letters.items()][self._described :]:
            yield from self.described(f"  {letter}", state)
        self._described = len(self._letters)

    def described(self, title: str, state: State) -> Iterator[Text]:
        """A state with all that it is, and why it gets its answer."""
        verdict = self._verdicts.verdict(state)
        package, arch, runtime, handler, layers = self._cells(state)
        line = f"{package}, {arch}, {runtime}, handler {handler or '(none)'}"
        line += "" if layers == "-" else f", layers {layers}"
        style = STYLES[verdict.answer]
        word = f"{title} {WORDS[verdict.answer]}"
        yield Text.assemble((word, style), f"  {line}")
        yield Text(f"     {printable(reason(verdict, self._names))}")

    def _cells(self, state: State) -> tuple[str, ...]:
        return (
            printable(self._names(state.package)),
            state.arch.value,
            state.runtime.name,
            printable(state.handler),
            printable(" + ".join(map(self._names, state.layers))) or "-",
        )

    def _key(self, state: State) -> State:
        """The state without what its verdict doesn't depend on."""
        return self._verdicts.verdict(state).state
