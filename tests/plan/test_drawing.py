"""The picture: valid XML, readable without colours, and with text for who doesn't see it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.plan import drawing
from shim.plan.drawing import Drawing, draw_no_plan, draw_plan
from shim.plan.plan import Plan
from shim.plan.search import NoPlan, find_plan
from shim.plan.step import UpdateCode
from shim.plan.wording import Names
from tests.plan.builders import GO, bare, dual, extension, single, state

if TYPE_CHECKING:
    from shim.check.state import State

NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(begin: State, wanted: State) -> Drawing:
    verdicts = Verdicts()
    answer = find_plan(begin, wanted, answer=verdicts.answer, day=None)
    if isinstance(answer, NoPlan):
        return draw_no_plan(answer, names=Names(), verdicts=verdicts, day=None)
    return draw_plan(answer, names=Names(), verdicts=verdicts, day=None)


@pytest.fixture
def plan() -> Drawing:
    """A plan of two calls, where code first would be refused and configuration first would fail."""
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(dual("main"), handler="main")
    return drawn(begin, wanted)


@pytest.fixture
def no_plan() -> Drawing:
    code = dual("orders")
    begin = state(code, layers=(extension(Arch.X86_64, "x86.zip"),))
    wanted = state(code, arch=Arch.ARM64, layers=(extension(Arch.ARM64, "arm.zip"),))
    return drawn(begin, wanted)


def elements(drawing: Drawing, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawing.svg).iter(f"{NAMESPACE}{name}"))  # noqa: S314 - ours


def texts(drawing: Drawing) -> list[str]:
    return ["".join(one.itertext()) for one in elements(drawing, "text")]


def test_title_and_description_say_it_all_in_words(plan: Drawing, no_plan: Drawing) -> None:
    for one in (plan, no_plan):
        root = ElementTree.fromstring(one.svg)  # noqa: S314 - ours
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == "title description"
    description = elements(no_plan, "desc")[0].text or ""
    assert "without a plan, code first: dual.zip" in description
    assert "fails: A" in description
    assert "A: x86.zip!/extensions/agent is built for x86_64" in description
    assert elements(plan, "title")[0].text == ("A plan of 2 calls; every state on the way starts")


def test_what_fails_has_another_shape_a_hatch_and_a_word_besides_its_colour(
    no_plan: Drawing,
) -> None:
    failing = elements(no_plan, "polygon")
    assert [one.get("fill") for one in failing] == ["url(#hatch)", drawing.FAILS_FILL] * 2
    assert all(one.get("stroke-dasharray") for one in failing)
    shown = texts(no_plan)
    assert "fails: A" in shown
    assert "fails: B" in shown
    assert shown.count("starts") == 4
    assert any(text.startswith("Ax86.zip!/extensions/agent") for text in shown)


def test_a_call_that_is_refused_is_an_end(plan: Drawing) -> None:
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(single(Arch.ARM64, "main"), handler="main", arch=Arch.ARM64)
    refused = drawn(begin, wanted)
    assert "refused: A" in texts(refused)
    assert any("go1.x does not support arm64" in text for text in texts(refused))
    assert "refused: A" not in texts(plan)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_everything_lies_within_the_picture(length: int) -> None:
    begin = state(single(Arch.X86_64, "orders"))
    code = dual("orders")
    steps = [UpdateCode(package=code, arch=[*Arch][index % 2]) for index in range(length)]
    plan = Plan(begin=begin, steps=tuple(steps))
    drawing = draw_plan(plan, names=Names(), verdicts=Verdicts(), day=None)
    root = ElementTree.fromstring(drawing.svg)  # noqa: S314 - ours
    width, height = (float(root.get(side) or 0) for side in ("width", "height"))
    for one in elements(drawing, "text"):
        text = "".join(one.itertext())
        right = len(text) * 7.3 / (2 if one.get("text-anchor") == "middle" else 1)
        assert float(one.get("x") or 0) + right <= width + 1 or one.get("class") == "title", text
        assert 0 < float(one.get("y") or 0) < height


def test_hostile_names_stay_text() -> None:
    begin = state(single(Arch.X86_64, "o", path="<script>&\x1b\ud800.zip"), handler="o")
    wanted = state(dual("o", path='"/><b>.zip'), handler="o", arch=Arch.ARM64)
    drawing = drawn(begin, wanted)
    assert not elements(drawing, "script")
    assert "<script>&\\x1b\\ud800.zip" in texts(drawing)
    assert "<b>" not in drawing.html
    drawing.html.encode()


def test_a_page_holds_the_picture_and_its_title(plan: Drawing) -> None:
    assert plan.html.startswith('<!doctype html>\n<html lang="en">')
    assert f"<title>{plan.title}</title>" in plan.html
    assert plan.svg in plan.html


TEXTS = (drawing.INK, drawing.QUIET, drawing.STARTS, drawing.FAILS, drawing.UNKNOWN)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("front", "back"),
    [
        *((one, drawing.PAPER) for one in TEXTS),
        *((one, drawing.STARTS_FILL) for one in (drawing.INK, drawing.STARTS)),
        *((one, drawing.FAILS_FILL) for one in (drawing.INK, drawing.FAILS)),
        *((one, drawing.UNKNOWN_FILL) for one in (drawing.INK, drawing.UNKNOWN)),
    ],
)
def test_every_text_has_the_contrast_that_small_text_needs(front: str, back: str) -> None:
    light, dark = sorted((luminance(front), luminance(back)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
