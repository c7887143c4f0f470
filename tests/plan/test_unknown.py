"""Plans where it isn't known of every state whether it starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema
import pytest

from shim.arch import Arch
from shim.check.verdict import Answer
from shim.check.verdicts import Verdicts
from shim.cli.main import main
from shim.package.packages import Packages
from shim.plan.alias import AliasPlan, find_alias_plan
from shim.plan.bridge.planning import Bridged, find_bridged_plan
from shim.plan.document import as_document, promised
from shim.plan.hazards import guard_sentences
from shim.plan.plan import Plan
from shim.plan.saved import read_plan
from shim.plan.search import NoPlan, Reason, find_plan
from shim.plan.step import UpdateCode, UpdateConfiguration
from shim.plan.wording import prospect
from tests.check.builders import entry, launcher, package, program
from tests.plan.builders import single, state, zipped
from tests.plan.model.universe import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.check.state import State
    from shim.package.read import Package

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/plan.schema.json").read_text())


def script(*handlers: str, path: str) -> Package:
    """A package whose `bootstrap` is a script that can't be followed."""
    files = [entry(name, program()) for name in handlers]
    return package(entry("bootstrap", SCRIPT), *files, path=path)


OLD = state(single(Arch.X86_64, "old", path="old.zip"), handler="old")
NEW = state(single(Arch.X86_64, "new", path="new.zip"), handler="new")
CODE_FIRST, CONFIGURATION_FIRST = (
    state(NEW.package, handler="old"),
    state(OLD.package, handler="new"),
)


def answers(**known: Answer) -> Callable[[State], Answer]:
    """By what a state is in the change from OLD to NEW; a bridge starts."""
    names = {"begin": OLD, "wanted": NEW, "code": CODE_FIRST, "configuration": CONFIGURATION_FIRST}
    given = {names[name]: answer for name, answer in known.items()}
    return lambda one: given.get(one, Answer.STARTS)


def found(answer: Callable[[State], Answer], *bridges: Package) -> Plan:
    plan = find_plan(OLD, NEW, bridges=bridges, answer=answer, day=None)
    assert isinstance(plan, Plan)
    return plan


UNKNOWN, FAILS = Answer.UNKNOWN, Answer.FAILS


def test_of_two_orders_the_one_is_taken_that_is_known_to_start() -> None:
    plan = found(answers(code=UNKNOWN))
    assert plan.states == (OLD, CONFIGURATION_FIRST, NEW)
    assert plan.unknown(answers(code=UNKNOWN)) == ()


def test_a_bridge_is_built_before_an_unknown_state_is_gone_through() -> None:
    bridge = single(Arch.X86_64, "old", "new", path="bridge.zip")
    answer = answers(code=FAILS, configuration=UNKNOWN)
    assert [type(step) for step in found(answer, bridge).steps] == [
        *(UpdateCode, UpdateConfiguration, UpdateCode)
    ]
    assert found(answer).states == (OLD, CONFIGURATION_FIRST, NEW)
    assert found(answer).unknown(answer) == (1,)


def test_a_bridge_that_spares_no_unknown_state_is_not_taken() -> None:
    bridge = single(Arch.X86_64, "old", "new", path="bridge.zip")
    begin, wanted = answers(code=FAILS, configuration=UNKNOWN), {OLD.package, NEW.package}

    def answer(one: State) -> Answer:
        return begin(one) if one.package in wanted else UNKNOWN

    assert found(answer, bridge).states == (OLD, CONFIGURATION_FIRST, NEW)


def test_ends_that_are_unknown_do_not_keep_from_a_plan_and_are_named() -> None:
    both = answers(begin=UNKNOWN, wanted=UNKNOWN)
    assert found(both).unknown(both) == (0, 2)
    assert len(found(both).steps) == 2


@pytest.mark.parametrize(("end", "reason"), [("begin", "BEGIN_FAILS"), ("wanted", "WANTED_FAILS")])
def test_ends_that_fail_do(end: str, reason: str) -> None:
    answer = find_plan(OLD, NEW, answer=answers(**{end: FAILS}), day=None)
    assert isinstance(answer, NoPlan)
    assert answer.reason is Reason[reason]


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        ((), "every state on the way starts"),
        ((0,), "every state that they lead to starts, and whether it starts now is unknown"),
        ((1,), "whether 1 of the states on the way starts is unknown"),
        ((0, 2), "whether 2 of the states on the way start is unknown"),
    ],
)
def test_no_plan_says_that_every_state_starts_when_that_is_not_known(
    unknown: tuple[int, ...], said: str
) -> None:
    assert prospect(unknown) == said


def test_a_handler_renamed_behind_a_script_takes_a_bridge() -> None:
    """The script that shim is there to replace, and its replacement."""
    for text in (b'#!/bin/sh\nexec "./$_HANDLER"\n', SCRIPT):
        old = package(entry("bootstrap", text), entry("hello", program()), path="hello.zip")
        begin = state(old, handler="hello")
        wanted = state(single(Arch.X86_64, "greet", path="greet.zip"), handler="greet")
        verdicts = Verdicts()
        assert verdicts.answer(state(old, handler="greet")) is not Answer.STARTS
        answer = planned(begin, wanted, verdicts)
        assert answer.used
        between = answer.plan.states[1:]
        assert {verdicts.answer(one) for one in between} == {Answer.STARTS}
        sentences = guard_sentences(answer.plan, verdicts, day=None)
        assert "(handler greet) would leave a function" in (sentences[0] or "")


def planned(begin: State, wanted: State, verdicts: Verdicts) -> Bridged:
    answer = find_bridged_plan(
        begin,
        wanted,
        verdicts=verdicts,
        day=None,
        folder=Path(),
    )
    assert isinstance(answer, Bridged), answer
    return answer


def unbridgeable() -> tuple[State, State]:
    """Scripts that alone know what they run: nothing could stand in for that."""
    return (
        state(script(path="script.zip"), handler="alias"),
        state(script(path="other.zip"), handler="other"),
    )


def test_where_no_bridge_helps_a_plan_goes_through_what_is_unknown_and_says_why() -> None:
    begin, wanted = unbridgeable()
    verdicts = Verdicts()
    answer = planned(begin, wanted, verdicts)
    assert not answer.bridges
    assert answer.plan.unknown(verdicts.answer) == (0, 1, 2)
    assert any("which file the function is" in one for one in answer.reasons)
    assert promised(answer.plan, verdicts) is Answer.UNKNOWN


def test_a_plan_guards_from_nothing_worse_than_what_it_goes_through() -> None:
    begin, wanted = unbridgeable()
    verdicts = Verdicts()
    plan = planned(begin, wanted, verdicts).plan
    assert guard_sentences(plan, verdicts, day=None) == (None, None)


def alias_plan(begin: State, wanted: State, verdicts: Verdicts) -> AliasPlan:
    plan = find_alias_plan(
        begin,
        wanted,
        live=begin,
        alias="live",
        old_version="7",
        answer=verdicts.answer,
        day=None,
    )
    assert isinstance(plan, AliasPlan)
    return plan


def test_a_version_that_may_not_start_is_invoked_before_the_alias_moves() -> None:
    wanted, begin = unbridgeable()
    verdicts = Verdicts()
    plan = alias_plan(begin, wanted, verdicts)
    assert verdicts.answer(plan.latest.wanted) is Answer.UNKNOWN
    assert promised(plan, verdicts) is Answer.STARTS


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages on disk, and the function's file."""
    monkeypatch.chdir(tmp_path)
    zipped(Path("script.zip"), {"bootstrap": SCRIPT})
    zipped(Path("x86.zip"), {"bootstrap": launcher(), "new": program()})
    zipped(Path("other.zip"), {"bootstrap": SCRIPT, "beside": b"1"})
    configuration = {"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "alias"}
    Path("f.json").write_text(json.dumps(configuration))
    return tmp_path


LAYER = "arn:aws:lambda:eu-west-1:123456789012:layer:agent:3"
WORDS = ["--from", "f.json", "--from-package", "script.zip"]
THROUGH = [*WORDS, "--package", "other.zip", "--handler", "other"]


@pytest.fixture
def plan(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run `shim plan`: exit status, standard output."""
    del here

    def run(*words: str) -> tuple[int, str]:
        status = main(["plan", *words])
        return status, capsys.readouterr().out

    return run


def test_a_pipeline_stops_at_a_plan_through_an_unknown_state(
    plan: Callable[..., tuple[int, str]],
) -> None:
    status, printed = plan(*THROUGH)
    assert status == 1
    assert plan(*THROUGH, "--allow-unknown") == (0, printed)
    lines = [line.rstrip() for line in printed.splitlines()]
    assert lines[0] == "2 calls; whether 3 of the states on the way start is unknown"
    assert [line[-10:] for line in lines[2:5]] == ["unknown: A", "unknown: B", "unknown: C"]
    assert lines[5].startswith("  A unknown  script.zip, x86_64, provided.al2023, handler alias")
    assert "no bridge helps" in printed
    assert "code first           Serverless, CDK hotswap  unknown: B, C" in printed


def test_what_the_function_is_now_does_not_count(plan: Callable[..., tuple[int, str]]) -> None:
    words = [*WORDS, "--package", "x86.zip", "--handler", "new"]
    status, printed = plan(*words)
    assert status == 0
    assert printed.startswith("3 calls over a bridge package; every state that they lead to starts")
    assert "now            script.zip" in printed
    assert "  without it the plan goes through C\n" in printed, "which is not what it is now"
    assert json.loads(plan(*words, "--json")[1])["answer"] == "starts"
    # What is wanted does: nothing else is known of it.
    assert plan(*WORDS, "--env", "STAGE=test")[0] == 1


def test_the_script_says_it_where_the_call_stands(plan: Callable[..., tuple[int, str]]) -> None:
    status, printed = plan(*THROUGH, "--aws")
    assert status == 1
    assert "# 1 of 2; whether the function starts then is unknown" in printed
    assert "# 2 of 2; whether" in printed


def test_an_aliass_plan_says_what_it_does_not_know_and_is_fine(
    plan: Callable[..., tuple[int, str]],
) -> None:
    words = [*WORDS, "--env", "STAGE=test", "--alias", "live=7"]
    status, printed = plan(*words)
    assert status == 0
    assert (
        "whether the new version starts is unknown, so it is invoked before it has any" in printed
    )


def test_the_document_says_it_and_can_be_read_again(here: Path) -> None:
    verdicts = Verdicts()
    packages = Packages()
    begin = state(packages.read(here / "script.zip"), handler="alias")
    wanted = state(packages.read(here / "other.zip"), handler="other")
    plan = planned(begin, wanted, verdicts).plan
    document: dict[str, Any] = json.loads(
        json.dumps(as_document(plan, verdicts=verdicts, day=None))
    )
    jsonschema.validate(document, SCHEMA)
    assert document["answer"] == "unknown"
    assert [one["answer"] for one in document["states"]] == ["unknown"] * 3
    assert any(one["severity"] == "unknown" for one in document["states"][1]["findings"])
    assert read_plan(json.dumps(document), packages=packages).plan == plan


def test_what_is_unknown_is_drawn_in_a_shape_of_its_own(
    plan: Callable[..., tuple[int, str]], here: Path
) -> None:
    plan(*WORDS, "--package", "x86.zip", "--handler", "new", "--draw", "plan.svg")
    text = (here / "plan.svg").read_text()
    drawing = ElementTree.fromstring(text)  # noqa: S314 - ours
    polygons = [one for one in drawing.iter() if one.tag.endswith("polygon")]
    corners = {
        one.get("fill"): len((one.get("points") or "").split())
        for one in polygons
        if (one.get("fill") or "").startswith("url")
    }
    assert corners == {"url(#dots)": 6, "url(#hatch)": 8}
    words = ["".join(one.itertext()) for one in drawing.iter() if one.tag.endswith("text")]
    assert "unknown: A" in words
    assert "A plan of 3 calls; every state that they lead to starts, and whether it starts now" in (
        " ".join(words)
    )


def test_layers_that_are_not_at_hand_make_a_plan_unknown_and_stay_as_they_are(
    plan: Callable[..., tuple[int, str]], here: Path
) -> None:
    function = json.loads((here / "f.json").read_text())
    function |= {"Handler": "new", "Layers": [{"Arn": LAYER}]}
    (here / "f.json").write_text(json.dumps(function))
    words = ["--from", "f.json", "--from-package", "x86.zip", "--runtime", "provided.al2"]
    status, printed = plan(*words)
    assert status == 1
    assert "whether 2 of the states on the way start is unknown" in printed
    assert f"are not at hand: `{LAYER}`" in printed or f"is not at hand: `{LAYER}`" in printed
    status, printed = plan(*words, "--json")
    document = json.loads(printed)
    jsonschema.validate(document, SCHEMA)
    assert [step.get("layers") for step in document["steps"]] == [None]
    assert {tuple(one["absentLayers"]) for one in document["states"]} == {(LAYER,)}
    assert read_plan(printed).plan.steps
    # What they are changed to says nothing of what they were.
    assert plan(*words, "--no-layers")[0] == 2


def test_no_function_is_simulated_without_its_layers(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    function = json.loads((here / "f.json").read_text()) | {"Layers": [{"Arn": LAYER}]}
    (here / "f.json").write_text(json.dumps(function))
    assert main(["simulate", *WORDS, "--by-verdict", "--env", "STAGE=test"]) == 2
    assert "without its layers the function can't be started" in capsys.readouterr().err
