"""A plan for people: its calls, the states in between, and what other orders go through."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from rich.text import Text

from shim.check.verdict import Answer
from shim.cli.text.states import STYLES, States
from shim.cli.text.tables import Column, print_table
from shim.plan.hazards import guard_sentences, guards
from shim.plan.orders import Order, naive_changes
from shim.plan.plan import Plan
from shim.plan.search import Reason
from shim.plan.way_back import way_back
from shim.plan.wording import call_in_words, count_calls, prospect, reason
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from rich.console import Console

    from shim.check.verdicts import Verdicts
    from shim.plan.alias import AliasPlan, AliasStep
    from shim.plan.bridge.planning import Bridged, Unbridged
    from shim.plan.orders import Naive
    from shim.plan.search import NoPlan
    from shim.plan.wording import Names

WHO = {
    Order.CODE_FIRST: "Serverless, CDK hotswap",
    Order.CONFIGURATION_FIRST: "Terraform, cargo-lambda",
    Order.PARALLEL: "CloudFormation",
    Order.SPLIT: "by hand",
}
"""Who sends the calls so (docs/why/lambda.md has where it was read)."""

_SHOWN = 3


class Report:
    """Prints on a console; `explains` is for who wants to know more than what will happen."""

    def __init__(
        self,
        *,
        names: Names,
        verdicts: Verdicts,
        day: date | None,
        console: Console,
        explains: bool,
    ) -> None:
        self._names = names
        self._verdicts = verdicts
        self._day = day
        self._explains = explains
        self._states = States(names=names, verdicts=verdicts)
        self._console = console

    def plan(self, bridged: Bridged) -> None:
        """A plan for traffic on the function itself."""
        plan = bridged.plan
        if not plan.steps:
            self._print(Text("nothing to do: the function already is what is wanted", "bold"))
            return
        changes = naive_changes(plan.begin, plan.wanted, day=self._day)
        promise = prospect(plan.unknown(self._verdicts.answer))
        self._print(Text(f"{count_calls(len(plan.steps))}{_over(bridged)}; {promise}", "bold"))
        self._states.print_table(plan, self._console)
        self._lines(self._states.undescribed())
        self._reasons(bridged.reasons)
        # Who reads on from A to B reads the orders that most tools take first.
        for state in (state for change in changes[:2] for state in change.states):
            self._states.answer(state)
        self._bridges(bridged)
        if self._explains:
            self._guards(plan)
        self._without_plan(changes)
        self._way_back(plan)

    def alias_plan(self, plan: AliasPlan) -> None:
        """A plan for traffic on an alias."""
        if not plan.steps:
            self._print(Text("nothing to do: the alias already has what is wanted", "bold"))
            return
        calls = count_calls(len(plan.steps))
        self._print(Text(f"{calls}; no traffic meets anything but whole versions", "bold"))
        verdict = self._verdicts.verdict(plan.latest.wanted)
        if verdict.answer is Answer.UNKNOWN:
            text = (
                "whether the new version starts is unknown, so it is invoked before it has any"
                f" traffic: {printable(reason(verdict, self._names))}"
            )
            self._print(Text(text, STYLES[verdict.answer]), is_long=True)
        sentences = guard_sentences(plan, self._verdicts, day=self._day, names=self._names)
        for number, (step, sentence) in enumerate(zip(plan.steps, sentences, strict=True), 1):
            self._print(Text(f"{number:>3}  {self._call(step)}"))
            if sentence and self._explains:
                self._print(Text(f"     guards against {printable(sentence)}", "dim"), is_long=True)
        self._print(Text("\nthe way back", "bold"))
        for undo in plan.way_back:
            self._print(Text(f"     {self._call(undo)}"))

    def no_plan(self, unbridged: Unbridged) -> None:
        """Which state fails, and why."""
        answer = unbridged.answer
        self._print(Text(f"no plan: {answer.reason}", "bold red"), is_long=True)
        match answer.reason:
            case Reason.BEGIN_FAILS:
                self._lines(self._states.described("now", answer.begin))
                hint = "hint: as it fails already, any order that the API takes is as good"
                self._print(Text(hint))
            case Reason.WANTED_FAILS:
                self._lines(self._states.described("wanted", answer.wanted))
            case Reason.BARRED:
                if self._explains:
                    self._barred(answer)
                self._without_plan(naive_changes(answer.begin, answer.wanted, day=self._day))
                self._reasons(unbridged.reasons)
                if answer.accepted:
                    hint = "hint: with traffic on an alias the order doesn't matter: `--alias NAME`"
                    self._print(Text(f"\n{hint}"))
            case _:
                assert_never(answer.reason)

    def _bridges(self, bridged: Bridged) -> None:
        for one in bridged.used:
            text = f" {self._text(f'{self._names(one.package)} {one.what}')}"
            self._print(Text.assemble("\n", (one.kind, "bold"), text), is_long=True)
        if isinstance(bridged.without, Plan):
            doubtful = bridged.without.unknown_between(self._verdicts.answer)
            named = ", ".join(map(self._states.letter, doubtful))
            self._print(Text(f"  without it the plan goes through {named}"))
        elif bridged.without:
            self._print(
                Text(f"  without it every way leads to {self._in_the_way(bridged.without)}")
            )
            if self._explains:
                self._barred(bridged.without)

    def _in_the_way(self, answer: NoPlan) -> str:
        """The nearest of what bars every way."""
        states = [one.state for one in answer.barred if one.refusal is None]
        is_refused = any(one.refusal for one in answer.barred)
        refused = ["a call that is refused"] if is_refused else []
        *others, last = [*sorted(map(self._states.letter, states[:_SHOWN])), *refused]
        return f"{', '.join(others)} or {last}" if others else last

    def _barred(self, answer: NoPlan) -> None:
        for one in answer.barred[:_SHOWN]:
            said = (
                f"is refused: {one.refusal}"
                if one.refusal
                else f"leads to {self._states.letter(one.state)}"
            )
            self._print(Text(f"  - {self._call(one.step)} {printable(said)}"), is_long=True)

    def _reasons(self, reasons: Iterable[str]) -> None:
        for index, text in enumerate(reasons):
            if not index:
                self._print(Text("\nno bridge helps", "bold"))
            self._print(Text(f"  - {self._text(text)}"), is_long=True)

    def _guards(self, plan: Plan) -> None:
        found = guards(plan, self._verdicts, day=self._day)
        for number, guard in enumerate(found, start=1):
            if guard:
                label = "" if guard.refusal else self._states.letter(guard.verdict.state)
                sentence = guard.sentence(self._names, label=label)
                self._print(Text(f"\n{number}  {printable(sentence)}"), is_long=True)

    def _without_plan(self, changes: Iterable[Naive]) -> None:
        """Each naive order with the states that don't start for certain, and why each doesn't."""
        rows = []
        refused: dict[str, None] = {}
        for change in changes:
            refused |= {f"{self._call(one.step)}: {one.refusal}": None for one in change.refused}
            # Of one field at a time there are more states than anybody reads who didn't ask.
            is_brief = change.order is Order.SPLIT and not self._explains
            problems = [*self._states.problems(change.states, is_brief=is_brief)]
            if change.refused:
                problems.append(Text("a call is refused", STYLES[Answer.FAILS]))
            result = Text("; ").join(problems) or Text("every state starts", STYLES[Answer.STARTS])
            rows.append((Text(f"  {change.order}"), Text(WHO[change.order], "dim"), result))
        self._print(Text("\nwithout a plan", "bold"))
        print_table(self._console, (Column(), Column(), Column(wraps=True)), rows)
        self._lines(self._states.undescribed())
        for text in refused:
            self._print(Text(f"  refused: {printable(text)}"), is_long=True)

    def _way_back(self, plan: Plan) -> None:
        sentence = way_back(plan, day=self._day).sentence
        self._print(Text(f"\n{printable(sentence)}"), is_long=True)

    def _text(self, text: str) -> str:
        return printable(self._names.shortened(text))

    def _call(self, step: AliasStep) -> str:
        return printable(call_in_words(step, self._names))

    def _lines(self, lines: Iterable[Text]) -> None:
        for line in lines:
            self._print(line, is_long=True)

    def _print(self, what: Text, *, is_long: bool = False) -> None:
        self._console.print(what, soft_wrap=is_long)


def _over(bridged: Bridged) -> str:
    kinds = dict.fromkeys(one.kind for one in bridged.used)
    return f" over a {' and a '.join(kinds)}" if kinds else ""
