"""The time line of simulated changes, as SVG or as a page that opens in a browser.

Failed invocations are hatched and marked with a cross, unknown ones dotted and marked with a
question mark, so that no colour has to be told apart.
"""

from __future__ import annotations

from html import escape
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING

from shim.plan.wording import brief
from shim.simulate.simulation import LEAD_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shim.simulate.control import Update
    from shim.simulate.simulation import Run

WIDTH, LEFT, RIGHT = 960, 150, 24
TOP, LANE, BARS, STRIP, BOTTOM = 62, 128, 56, 17, 40
"""Pixels; a lane has at least so many, and in it the bars and each strip below them so many."""

BIN_SECONDS = 0.5
BEFORE_SECONDS, AFTER_SECONDS = 4.0, 12.0
"""How much is shown before the first call and after the last update has taken hold."""

# Okabe and Ito's colours, which colour-blind people tell apart; pattern and cross say it once more.
_ANSWERED, _FAILED, _UNKNOWN = "#56B4E9", "#D55E00", "#AA4488"
_INK, _PALE = "#222222", "#e8e8e8"
_STYLE = f"font-family: sans-serif; font-size: 13px; fill: {_INK}"
_PATTERN = (
    '<pattern id="failed" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="#ffffff"/><rect width="3" height="6" fill="{_FAILED}"/>'
    "</pattern>"
    '<pattern id="unknown" width="5" height="5" patternUnits="userSpaceOnUse">'
    f'<rect width="5" height="5" fill="#ffffff"/><circle cx="2" cy="2" r="1.6" fill="{_UNKNOWN}"/>'
    "</pattern>"
)


_FILLS = (_ANSWERED, "url(#unknown)", "url(#failed)")
"""Of what was answered, is unknown, and failed: from below."""


def as_html(runs: Sequence[Run]) -> str:
    """A page with the drawing."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{_title(runs)}</title></head>\n<body>\n{as_svg(runs)}</body>\n</html>\n"
    )


def as_svg(runs: Sequence[Run]) -> str:
    """A lane for each run: invocations over time, and the updates below them."""
    span = _Span(runs)
    *tops, end = accumulate(map(_height, runs), initial=TOP)
    height = end + BOTTOM
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" style="{_STYLE}">',
        f"<title>{_title(runs)}</title>",
        f"<defs>{_PATTERN}</defs>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_legend(has_unknown=any(run.unknown for run in runs)),
    ]
    for top, run in zip(tops, runs, strict=True):
        lines += _lane(run, span, top=top)
    lines += _axis(span, top=end)
    return "\n".join([*lines, "</svg>\n"])


def _title(runs: Sequence[Run]) -> str:
    said = ", ".join(
        f"{run.name}: {len(run.failures)} of {len(run.samples)} failed"
        + (f", {len(run.unknown)} unknown" if run.unknown else "")
        for run in runs
    )
    return escape(said)


class _Span:
    """The part of the time that is shown, and its scales."""

    def __init__(self, runs: Sequence[Run]) -> None:
        held = [one.held for run in runs for one in run.updates if one.held is not None]
        failed = [sample.time for run in runs for sample in run.failures]
        last = max(sample.time for run in runs for sample in run.samples)
        self.begin = max(0.0, LEAD_SECONDS - BEFORE_SECONDS)
        end = min(max([self.begin, *held, *failed]) + AFTER_SECONDS, max(last, self.begin + 1))
        self._bins = ceil((end - self.begin) / BIN_SECONDS)
        self.end = self.begin + self._bins * BIN_SECONDS
        self.highest = max(max(sum(one) for one in self.bins(run)) for run in runs) or 1

    def x(self, time: float) -> float:
        share = (min(max(time, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def bins(self, run: Run) -> list[tuple[int, int, int]]:
        """How many invocations were answered, unknown, and failed, in each half second."""
        answered, unknown, failed = ([0] * self._bins for _ in range(3))
        for sample in run.samples:
            if self.begin <= sample.time < self.end:
                index = int((sample.time - self.begin) / BIN_SECONDS)
                kind = failed if sample.outcome.error_type else answered
                (unknown if sample.outcome.is_unknown else kind)[index] += 1
        return list(zip(answered, unknown, failed, strict=True))


def _legend(*, has_unknown: bool) -> Iterator[str]:
    yield _text(8, 20, "invocations in each half second:")
    yield _rect(226, 9, 14, 13, _ANSWERED)
    yield _text(246, 20, "answered")
    yield _rect(322, 9, 14, 13, "url(#failed)")
    yield _cross(344, 15)
    yield _text(356, 20, "failed")
    yield _rect(416, 9, 14, 13, _PALE)
    yield _text(436, 20, "an update in progress; when it ends, new sandboxes start from it")
    if has_unknown:
        yield _rect(868, 9, 14, 13, "url(#unknown)")
        yield _text(886, 20, "? unknown")


def _height(run: Run) -> int:
    """Of a lane: higher where there are more strips than usual."""
    strips = len(run.updates) + (run.problem is not None)
    return max(LANE, BARS + 4 + strips * STRIP)


def _lane(run: Run, span: _Span, *, top: float) -> Iterator[str]:
    base = top + BARS
    yield _text(8, top + 22, run.name, weight="bold")
    yield _text(8, top + 40, f"{len(run.failures):,} of {len(run.samples):,}")
    doubt = f", {len(run.unknown):,} unknown" if run.unknown else ""
    yield _text(8, top + 56, f"failed{doubt}")
    step = (WIDTH - LEFT - RIGHT) / ((span.end - span.begin) / BIN_SECONDS)
    for index, counts in enumerate(span.bins(run)):
        x, width = round(LEFT + index * step, 1), round(step - 1, 1)
        scale = (BARS - 12) / span.highest
        top_of = list(accumulate((round(count * scale, 1) for count in counts), initial=0.0))
        for count, low, high, fill in zip(counts, top_of, top_of[1:], _FILLS, strict=False):
            if count:
                yield _rect(x, base - high, width, round(high - low, 1), fill)
        _, unknown, failed = counts
        if failed:
            yield _cross(x + width / 2, base - top_of[-1] - 6)
        elif unknown:
            yield _text(x + width / 2, base - top_of[-1] - 2, "?", anchor="middle", size=11)
    yield f'<path d="M{LEFT} {base}H{WIDTH - RIGHT}" stroke="{_INK}"/>'
    for number, one in enumerate(run.updates):
        yield from _update(one, span, top=base + 4 + number * STRIP)
    if run.problem:
        at = base + 16 + len(run.updates) * STRIP
        yield _text(LEFT, at, f"stopped half-way: {run.problem}")


def _update(one: Update, span: _Span, *, top: float) -> Iterator[str]:
    begun = span.x(one.begun)
    end = span.x(span.end if one.held is None else one.held)
    yield _rect(begun, top, max(end - begun, 1), STRIP - 3, _PALE)
    yield f'<path d="M{end} {top}v{STRIP - 3}" stroke="{_INK}" stroke-width="2"/>'
    yield _text(end + 5, top + 11, brief(one.step), size=11)


def _axis(span: _Span, *, top: float) -> Iterator[str]:
    for second in range(int(span.begin), int(span.end) + 1):
        if second % 5 == 0 and second >= span.begin:
            x = span.x(second)
            line = f"M{x} {TOP}V{top}"
            yield f'<path d="{line}" stroke="{_INK}" stroke-opacity="0.15" stroke-width="1"/>'
            yield _text(x, top + 16, f"{second} s", anchor="middle", size=11)
    yield _text(LEFT, top + 33, "virtual time", size=11)


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    box = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {box} fill="{fill}"/>'


def _cross(x: float, y: float) -> str:
    line = f"M{x - 3:g} {y - 3:g}l6 6m0 -6l-6 6"
    return f'<path d="{line}" stroke="{_FAILED}" stroke-width="1.5" fill="none"/>'


def _text(
    x: float, y: float, words: str, *, size: int = 13, anchor: str = "start", weight: str = "normal"
) -> str:
    look = f'font-size="{size}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text x="{x:g}" y="{y:g}" {look}>{escape(words)}</text>'
