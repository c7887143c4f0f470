"""A split in words, and as JSON: text and JSON say the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.check.verdict import Answer
from shim.plan.hazards import guard_sentences
from shim.plan.wording import Names, brief
from shim.templates.between import shown_layer
from shim.templates.model import Format
from shim.templates.report import in_words
from shim.templates.split.data import resource_name
from shim.templates.value import Reference
from shim.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.state import State
    from shim.package.read import Package
    from shim.templates.model import Function, Template
    from shim.templates.split.split import Deployment, Move, Split
    from shim.templates.split.ways import Passage, Way
    from shim.templates.value import Content

_SETTINGS = {
    "package": "code",
    "arch": "architecture",
    "runtime": "runtime",
    "handler": "handler",
    "layers": "layers",
    "environment": "environment",
}


_HOW = {
    Format.TEMPLATE: "deploy one after the other, each when the one before it has finished; the"
    " last is the new template, and is deployed from where that lies",
    Format.SERVERLESS: "deploy one after the other to the stack (`aws cloudformation deploy`), each"
    " when the one before it has finished; the last is what `serverless deploy` makes",
    Format.ASSEMBLY: "each stands in the place of the stack's template in `cdk.out`; or set in the"
    " app what each one sets (a bridge by `Code.fromAsset`), and deploy; the last is what the app"
    " makes",
    Format.PLAN: "one apply after the other; each sends the configuration first, then the code",
}


class SideNames(Names):
    """Packages by the side that they are of; bridges and layers by their names."""

    def __init__(self, passage: Passage) -> None:
        """Of one function."""
        super().__init__()
        pair = passage.deployed.pair
        for word, state, side, function in (
            ("old", passage.begin, pair.old_side, pair.old),
            ("new", passage.wanted, pair.new_side, pair.new),
        ):
            names = _layer_names(side, function)
            self._names |= {
                one: self._told_apart(one, name, word)
                for one, name in zip(state.layers, names, strict=True)
            }
            self._names[state.package] = f"the {word} code"
        if passage.begin.package is passage.wanted.package:
            self._names[passage.begin.package] = "the code"
        self._names |= {one: Path(one.path).name for one in passage.bridged.bridges}

    def _told_apart(self, package: Package, name: str, word: str) -> str:
        """One that both sides call so is another one on the new side."""
        if package in self._names:
            return self._names[package]
        return f"the {word} {name}" if name in self._names.values() else name

    def shortened(self, text: str) -> str:
        """A place in a package is called as it is elsewhere."""
        return text


def what_it_sets(move: Move) -> dict[str, str]:
    """The settings that a deployment changes, in words; of the environment no values."""
    passage, behind = move.passage, move.behind
    before, after = passage.state(behind - 1), passage.state(behind)
    names = SideNames(passage)
    return {
        word: _value(after, name, names, passage)
        for name, word in _SETTINGS.items()
        if getattr(before, name) != getattr(after, name)
    }


def what_it_meets(move: Move) -> Iterator[tuple[State, Answer]]:
    """The states that a deployment leads through, and whether each starts."""
    passage = move.passage
    states = passage.bridged.plan.states
    begin = sum(len(one) for one in passage.deployments[: move.behind - 1])
    for state in states[begin + 1 : begin + 1 + len(passage.deployments[move.behind - 1])]:
        yield state, passage.deployed.judge.verdicts.answer(state)


def state_in_words(state: State, passage: Passage) -> str:
    """What decides whether it starts, in one line."""
    names = SideNames(passage)
    layers = f", layers {' + '.join(map(names, state.layers))}" if state.layers else ""
    handler = f", handler {state.handler}" if state.handler else ""
    return printable(f"{names(state.package)}, {state.arch}, {state.runtime.name}{handler}{layers}")


def why(move: Move) -> str | None:
    """What would come of a later call in its place."""
    passage = move.passage
    judge = passage.deployed.judge
    sentences = guard_sentences(
        passage.bridged.plan, judge.verdicts, day=judge.day, names=SideNames(passage)
    )
    return sentences[sum(len(one) for one in passage.deployments[: move.behind]) - 1]


def calls_in_words(move: Move) -> str:
    """`code`, or of one apply both."""
    steps = move.passage.deployments[move.behind - 1]
    return " call, then ".join(brief(one).partition(" (")[0] for one in steps) + " call"


def paths_of(split: Split, deployment: Deployment) -> tuple[str, ...]:
    """Where its files lie."""
    return tuple(str(split.folder / name) for name in deployment.files)


def how_to_deploy(split: Split) -> str:
    """What is to be done with the files, in the user's own tool."""
    return _HOW[split.ways[0].deployed.pair.new_side.format]


def would_have_to_start(way: Way) -> tuple[str, ...]:
    """Of what isn't known: what would have to hold."""
    if way.answer is not Answer.UNKNOWN:
        return ()
    if way.passage is None:
        return tuple(map(in_words, way.deployed.between))
    plan, verdicts = way.passage.bridged.plan, way.deployed.judge.verdicts
    return tuple(state_in_words(one, way.passage) for one in plan.unknown_between(verdicts.answer))


def as_object(split: Split) -> dict[str, Any]:
    """All of it as plain values."""
    return {
        "folder": str(split.folder),
        "functions": [
            {
                "function": way.id,
                "answer": way.answer.value,
                "deployments": way.count,
                "reason": way.reason,
                "reasons": list(way.reasons),
                "unknown": list(would_have_to_start(way)),
            }
            for way in split.ways
        ],
        "deployments": [
            {
                "number": one.number,
                "files": list(paths_of(split, one)),
                "functions": [_move(move) for move in one.moves],
            }
            for one in split.deployments
        ],
        "uploads": [{"file": one.file, "key": one.key} for one in split.uploads],
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "function": move.passage.id,
        "call": calls_in_words(move),
        "sets": what_it_sets(move),
        "passes": [
            {"state": state_in_words(state, move.passage), "answer": answer.value}
            for state, answer in what_it_meets(move)
        ],
        "why": why(move),
    }


def _value(state: State, name: str, names: Names, passage: Passage) -> str:
    match name:
        case "package":
            return names(state.package)
        case "runtime":
            return state.runtime.name
        case "layers":
            return " + ".join(map(names, state.layers)) or "none"
        case "environment":
            is_new = state.environment == passage.wanted.environment
            return "the new one" if is_new else "the old one"
        case _:
            return str(getattr(state, name)) or "(not set)"


def _layer_names(side: Template, function: Function) -> list[str]:
    """A published layer by its name and version, one of the template's own by its resource."""
    content = function.layers.content
    return [_layer_name(side, one) for one in (content if isinstance(content, list) else [content])]


def _layer_name(side: Template, content: Content) -> str:
    made = side.layers.get(content.id) if isinstance(content, Reference) else None
    if made is None:
        return shown_layer(content)
    return str(made.place.steps[1]) if len(made.place.steps) > 1 else resource_name(made.id)
