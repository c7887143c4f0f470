"""Plans in words: what a call, a package and an answer are called, wherever a person reads of them.

Text, pictures, JSON's sentences and progress all take their words from here.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from shim.check.verdict import Answer
from shim.plan.alias import AliasStep, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shim.check.verdict import Verdict
    from shim.package.read import Package


_DOWNLOAD = re.compile(r"[0-9a-f]{64}\.zip")
_HASH_SHOWN = 12


class Names:
    """What packages are called in a line: those that it isn't made for, by their path."""

    def __init__(
        self, packages: Iterable[Package] = (), *, arns: Mapping[Package, str] | None = None
    ) -> None:
        """By their layer's name and version, their file's name, or all of their path."""
        arns = arns or {}
        short = {
            one: ":".join(arns[one].split(":")[-2:]) if one in arns else _file_name(one)
            for one in packages
        }
        counts = Counter(short.values())
        self._names = {one: name if counts[name] == 1 else one.path for one, name in short.items()}

    def __call__(self, package: Package) -> str:
        """One package's."""
        return self._names.get(package, package.path)

    def shortened(self, text: str) -> str:
        """What was found, with names for paths; also in locations, `build/old.zip!/orders` say."""
        for package in sorted(self._names, key=lambda one: len(one.path), reverse=True):
            text = text.replace(f"{package.path}!/", f"{self(package)}!/")
            if "/" in package.path:
                # Any other may be a word of the sentence as well.
                text = text.replace(package.path, self(package))
        return text


def _file_name(package: Package) -> str:
    """A download is named by its hash: as much of that as tells it from others."""
    name = Path(package.path).name
    return f"{name[:_HASH_SHOWN]}….zip" if _DOWNLOAD.fullmatch(name) else name


WORDS = {Answer.STARTS: "starts", Answer.FAILS: "fails", Answer.UNKNOWN: "unknown"}
"""Answers, where there is no room."""

PATHS = Names()
"""Each package by its path."""


def call_in_words(step: AliasStep, names: Names = PATHS) -> str:
    """A call: its name in the API, and what it brings; of the environment no values."""
    match step:
        case UpdateCode():
            return f"{step.CALL} ({names(step.package)}, {step.arch})"
        case UpdateConfiguration():
            return f"{step.CALL} ({', '.join(_fields(step, names))})"
        case PublishVersion():
            return step.CALL
        case InvokeVersion():
            return f"{step.CALL} (the published version)"
        case MoveAlias():
            share = f"{step.share:.0%} to the published version"
            to = share if step.share else f"all to version {step.old_version}"
            return f"{step.CALL} ({step.alias}, {to})"
        case _:
            assert_never(step)


def kind(step: UpdateCode | UpdateConfiguration) -> str:
    """Which of the two calls it is."""
    return "code" if isinstance(step, UpdateCode) else "configuration"


def brief(step: AliasStep) -> str:
    """A call without its values."""
    match step:
        case UpdateCode():
            return f"{kind(step)} ({step.arch})"
        case UpdateConfiguration():
            fields = ("runtime", "handler", "layers", "environment")
            changed = (name for name in fields if getattr(step, name) is not None)
            return f"{kind(step)} ({', '.join(changed)})"
        case PublishVersion():
            return "publish"
        case InvokeVersion():
            return "invoke"
        case MoveAlias():
            return f"alias ({step.share:.0%} new)"
        case _:
            assert_never(step)


def reason(verdict: Verdict, names: Names = PATHS) -> str:
    """Why a state doesn't start, or what isn't known of it."""
    finding = verdict.reason
    if finding is None:
        return "starts"
    return names.shortened(f"{finding.location} {finding.sentence} [{finding.code}]")


def prospect(unknown: tuple[int, ...]) -> str:
    """What a plan promises; `unknown` are the indexes of the states that it can't promise it of."""
    if not unknown:
        return "every state on the way starts"
    if unknown == (0,):
        return "every state that they lead to starts, and whether it starts now is unknown"
    if len(unknown) == 1:
        return "whether 1 of the states on the way starts is unknown"
    return f"whether {len(unknown)} of the states on the way start is unknown"


def letters(number: int) -> str:
    """What the state of this number, from 0, is called that isn't known to start: A, … Z, AA."""
    return chr(ord("A") + number % 26) * (number // 26 + 1)


def count_calls(number: int) -> str:
    """How many calls there are."""
    return f"{number} call{'' if number == 1 else 's'}"


def _fields(step: UpdateConfiguration, names: Names) -> Iterator[str]:
    if step.runtime is not None:
        yield f"runtime {step.runtime.name}"
    if step.handler is not None:
        yield f"handler {step.handler}"
    if step.layers is not None:
        yield f"layers {' + '.join(map(names, step.layers)) or 'none'}"
    if step.environment is not None:
        # Values are secrets more often than not.
        yield f"environment {' + '.join(name for name, _ in step.environment) or 'empty'}"
