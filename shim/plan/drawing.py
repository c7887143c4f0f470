"""Draws a change as a small graph: the plan's states, and those of the orders nobody picked.

Whether a state starts, or fails, or is unknown, is told by its shape, its border, what fills it, a
word and its colour: each of them alone is enough. All text is text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, assert_never

from shim.check.verdict import Answer
from shim.plan.orders import Order, naive_changes
from shim.plan.wording import WORDS, Names, count_calls, kind, letters, prospect, reason
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.plan.plan import Plan
    from shim.plan.search import NoPlan
    from shim.plan.step import Step

PAPER, INK, QUIET = "#ffffff", "#1b1b1b", "#4d4d4d"
STARTS, STARTS_FILL = "#0a5a9c", "#e9f2fa"
FAILS, FAILS_FILL = "#a03000", "#fff1e8"
UNKNOWN, UNKNOWN_FILL = "#7d2f68", "#fbeff7"
"""Blue, vermilion and purple: told apart with each kind of colour blindness (Okabe and Ito)."""

_COLOURS = {
    Answer.STARTS: (STARTS, STARTS_FILL),
    Answer.FAILS: (FAILS, FAILS_FILL),
    Answer.UNKNOWN: (UNKNOWN, UNKNOWN_FILL),
}
"""Of border and word, and of the ground."""


_WIDTH, _HEIGHT, _GAP, _LANE = 224, 116, 112, 174
_LEFT, _TOP, _LINE = 24, 92, 16
_CHARACTER = 7.3
"""Of the 12-pixel monospaced text, in pixels: what fits is known without a browser."""

_FITS = 28
_STYLE = f"""\
text {{ font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: {INK} }}
.title {{ font-size: 17px; font-weight: bold }}
.lane {{ font-weight: bold }}
.quiet {{ fill: {QUIET} }}
.starts {{ fill: {STARTS}; font-weight: bold }}
.fails {{ fill: {FAILS}; font-weight: bold }}
.unknown {{ fill: {UNKNOWN}; font-weight: bold }}"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A picture, and the same as a page that any browser opens."""

    title: str
    svg: str

    @property
    def html(self) -> str:
        """A page with nothing but the picture in it."""
        return (
            '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{escape(self.title)}</title>\n"
            f'<body style="margin: 0; overflow: auto; background: {PAPER}">\n{self.svg}</body>\n'
            "</html>\n"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Node:
    """A state, or a call that was refused, in its place."""

    lines: tuple[str, ...]
    answer: Answer
    word: str
    """What is said of it; a letter in it is the legend's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lane:
    """One way from left to right."""

    title: str
    calls: tuple[str, ...]
    nodes: tuple[_Node, ...]


@dataclass(kw_only=True, slots=True)
class _Scene:
    """Turns states into nodes; what doesn't start for certain gets a letter in the legend."""

    names: Names
    verdicts: Verdicts
    legend: dict[tuple[str, Answer], str] = field(default_factory=dict)
    """Each letter, by what it stands for."""

    def lane(
        self, title: str, begin: State, passages: Iterable[tuple[Step, State, str | None]]
    ) -> _Lane:
        nodes, calls = [self.node(begin)], []
        for step, state, refusal in passages:
            calls.append(kind(step))
            nodes.append(self.refused(refusal) if refusal else self.node(state))
        return _Lane(title=title, calls=tuple(calls), nodes=tuple(nodes))

    def node(self, state: State) -> _Node:
        layers = " + ".join(map(self.names, state.layers))
        lines = (
            self.names(state.package),
            f"{state.runtime.name} {state.arch}",
            f"handler {state.handler or '(none)'}",
            f"layers {layers}" if layers else "no layers",
        )
        verdict = self.verdicts.verdict(state)
        word = WORDS[verdict.answer]
        if verdict.answer is not Answer.STARTS:
            word = f"{word}: {self._label(reason(verdict, self.names), verdict.answer)}"
        return _Node(lines=lines, answer=verdict.answer, word=word)

    def refused(self, refusal: str) -> _Node:
        label = self._label(f"the call is refused: {refusal}", Answer.FAILS)
        return _Node(lines=("the call is refused",), answer=Answer.FAILS, word=f"refused: {label}")

    def _label(self, text: str, answer: Answer) -> str:
        return self.legend.setdefault((text, answer), letters(len(self.legend)))


def draw_plan(plan: Plan, *, names: Names, verdicts: Verdicts, day: date | None) -> Drawing:
    """A plan above the orders that code-first and configuration-first tools take."""
    scene = _Scene(names=names, verdicts=verdicts)
    steps = [(step, state, None) for step, state in zip(plan.steps, plan.states[1:], strict=True)]
    lanes = [scene.lane("the plan", plan.begin, steps)]
    lanes += _naive_lanes(scene, plan.begin, plan.wanted, day=day)
    promise = prospect(plan.unknown(verdicts.answer))
    return _draw(f"A plan of {count_calls(len(plan.steps))}; {promise}", lanes, scene)


def draw_no_plan(answer: NoPlan, *, names: Names, verdicts: Verdicts, day: date | None) -> Drawing:
    """The orders that there are, none of which is a plan."""
    scene = _Scene(names=names, verdicts=verdicts)
    lanes = _naive_lanes(scene, answer.begin, answer.wanted, day=day)
    return _draw(f"No plan: {answer.reason}", lanes, scene)


def _naive_lanes(scene: _Scene, begin: State, wanted: State, *, day: date | None) -> list[_Lane]:
    """Code first and configuration first: what is sent in parallel goes one of the two ways."""
    return [
        scene.lane(
            f"without a plan, {change.order}",
            begin,
            [(one.step, one.state, one.refusal) for one in change.walks[0]],
        )
        for change in naive_changes(begin, wanted, day=day)
        if change.order in {Order.CODE_FIRST, Order.CONFIGURATION_FIRST}
    ]


def _draw(title: str, lanes: list[_Lane], scene: _Scene) -> Drawing:
    columns = max(len(lane.nodes) for lane in lanes)
    width = max(2 * _LEFT + columns * _WIDTH + (columns - 1) * _GAP, 860)
    legend = _legend(scene.legend, width=width, top=_TOP + len(lanes) * _LANE)
    height = _TOP + len(lanes) * _LANE + (len(legend) + 1) * _LINE
    body = [part for row, lane in enumerate(lanes) for part in _lane(lane, top=_TOP + row * _LANE)]
    svg = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title description">
<title id="title">{_text(title)}</title>
<desc id="description">{_text(_description(lanes, scene.legend))}</desc>
<style>
{_STYLE}
</style>
<defs>
<pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)">
<rect width="8" height="8" fill="{FAILS_FILL}"/><line y2="8" stroke="{FAILS}" stroke-width="3"/>
</pattern>
<pattern id="dots" width="7" height="7" patternUnits="userSpaceOnUse">
<rect width="7" height="7" fill="{UNKNOWN_FILL}"/><circle cx="3" cy="3" r="1.7" fill="{UNKNOWN}"/>
</pattern>
<marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" \
orient="auto"><path d="M0 0L10 5L0 10z" fill="{INK}"/></marker>
</defs>
<rect width="{width}" height="{height}" fill="{PAPER}"/>
<text x="{_LEFT}" y="36" class="title">{_text(title)}</text>
<text x="{_LEFT}" y="58" class="quiet">rounded box: starts; hatched octagon: fails, or the call \
is refused; dotted hexagon: unknown</text>
{chr(10).join([*body, *legend])}
</svg>
"""
    return Drawing(title=title, svg=svg)


def _lane(lane: _Lane, *, top: int) -> Iterable[str]:
    yield f'<text x="{_LEFT}" y="{top}" class="lane">{_text(lane.title)}</text>'
    for column, node in enumerate(lane.nodes):
        x, y = _LEFT + column * (_WIDTH + _GAP), top + 14
        if column:
            yield from _arrow(lane.calls[column - 1], x=x - _GAP, y=y + _HEIGHT // 2)
        yield from _box(node, x=x, y=y)


def _arrow(call: str, *, x: int, y: int) -> Iterable[str]:
    yield (
        f'<line x1="{x + 2}" y1="{y}" x2="{x + _GAP - 2}" y2="{y}" stroke="{INK}"'
        ' stroke-width="1.5" marker-end="url(#arrow)"/>'
    )
    yield (f'<text x="{x + _GAP / 2}" y="{y - 8}" text-anchor="middle" class="quiet">{call}</text>')


def _box(node: _Node, *, x: int, y: int) -> Iterable[str]:
    whole = ", ".join((*node.lines, node.word))
    yield f"<g><title>{_text(whole)}</title>"
    yield from _shape(node.answer, x=x, y=y)
    first = y + 30 + (4 - len(node.lines)) * _LINE // 2
    for row, line in enumerate(node.lines):
        yield (
            f'<text x="{x + _WIDTH / 2}" y="{first + row * _LINE}" text-anchor="middle">'
            f"{_text(_short(line))}</text>"
        )
    yield (
        f'<text x="{x + _WIDTH / 2}" y="{first + len(node.lines) * _LINE}" text-anchor="middle"'
        f' class="{WORDS[node.answer]}">{_text(node.word)}</text></g>'
    )


def _shape(answer: Answer, *, x: int, y: int) -> Iterable[str]:
    """What stands behind a state's text: that is on plain ground, with a band around it."""
    stroke, fill = _COLOURS[answer]
    match answer:
        case Answer.STARTS:
            yield (
                f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="14"'
                f' fill="{fill}" stroke="{stroke}" stroke-width="2"/>'
            )
        case Answer.FAILS:
            for ground, cut, inset in (("url(#hatch)", 18, 0), (fill, 14, 9)):
                yield _polygon(_octagon(x + inset, y + inset, cut, inset), ground, stroke, "6 3")
        case Answer.UNKNOWN:
            for ground, cut, inset in (("url(#dots)", 20, 0), (fill, 16, 9)):
                yield _polygon(_hexagon(x + inset, y + inset, cut, inset), ground, stroke, "2 3")
        case _:
            assert_never(answer)


def _octagon(x: int, y: int, cut: int, inset: int) -> Iterable[tuple[float, float]]:
    right, bottom = x + _WIDTH - 2 * inset, y + _HEIGHT - 2 * inset
    yield from ((x + cut, y), (right - cut, y), (right, y + cut), (right, bottom - cut))
    yield from ((right - cut, bottom), (x + cut, bottom), (x, bottom - cut), (x, y + cut))


def _hexagon(x: int, y: int, cut: int, inset: int) -> Iterable[tuple[float, float]]:
    right, bottom = x + _WIDTH - 2 * inset, y + _HEIGHT - 2 * inset
    middle = (y + bottom) / 2
    yield from ((x + cut, y), (right - cut, y), (right, middle))
    yield from ((right - cut, bottom), (x + cut, bottom), (x, middle))


def _polygon(points: Iterable[tuple[float, float]], fill: str, stroke: str, dashes: str) -> str:
    text = " ".join(f"{a:g},{b:g}" for a, b in points)
    return (
        f'<polygon points="{text}" fill="{fill}" stroke="{stroke}" stroke-width="2"'
        f' stroke-dasharray="{dashes}"/>'
    )


def _legend(legend: Mapping[tuple[str, Answer], str], *, width: int, top: int) -> list[str]:
    """What each letter stands for, in lines that fit."""
    fits = int((width - 2 * _LEFT) / _CHARACTER) - 3
    rows: list[str] = []
    for (text, answer), label in legend.items():
        for index, line in enumerate(wrap(text, fits, break_on_hyphens=False)):
            y = top + (len(rows) + 1) * _LINE
            if not index:
                rows.append(
                    f'<text x="{_LEFT}" y="{y}"><tspan class="{WORDS[answer]}">{label}'
                    "</tspan>"
                    f'<tspan x="{_LEFT + 3 * _CHARACTER}">{_text(line)}</tspan></text>'
                )
            else:
                x = _LEFT + 3 * _CHARACTER
                rows.append(f'<text x="{x}" y="{y}">{_text(line)}</text>')
    return rows


def _description(lanes: Iterable[_Lane], legend: Mapping[tuple[str, Answer], str]) -> str:
    """The picture in words."""
    ways = [
        f"{lane.title}: {', then '.join(', '.join((*one.lines, one.word)) for one in lane.nodes)}."
        for lane in lanes
    ]
    return " ".join([*ways, *(f"{label}: {text}." for (text, _), label in legend.items())])


def _short(text: str) -> str:
    """The text, or its beginning and end."""
    return text if len(text) <= _FITS else f"{text[:12]}…{text[13 - _FITS :]}"


def _text(text: str) -> str:
    """For XML: what it can't hold is spelt out (XML 1.0, `Char`)."""
    return escape(printable(text))
