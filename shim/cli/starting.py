"""What `shim check` will say of a zip that is being made: where its handlers start, and why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.check.go import check_go
from shim.check.report import finding_as_json
from shim.check.runtimes import lambda_runtimes
from shim.check.state import State
from shim.check.verdict import Answer, verdict
from shim.cli.day import today
from shim.cli.terminal import print_note, print_warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shim.arch import Arch
    from shim.check.findings import Finding
    from shim.check.runtimes import Runtime
    from shim.check.verdict import Verdict
    from shim.package.read import Package

_LIMIT = 200
"""Handlers that are looked at."""

_SHOWN = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class HandlerStart:
    """A handler on one architecture: its verdicts in the runtimes that are still supported."""

    handler: str
    arch: Arch
    verdicts: tuple[Verdict, ...]
    """The newest runtime first."""

    @property
    def answer(self) -> Answer:
        """Whether it starts in one of them."""
        answers = {one.answer for one in self.verdicts}
        return next(
            answer for answer in (Answer.STARTS, Answer.UNKNOWN, Answer.FAILS) if answer in answers
        )

    @property
    def reason(self) -> Finding:
        """Of the newest runtime that has this answer, what decides it."""
        return next(one.findings[0] for one in self.verdicts if one.answer is self.answer)

    def as_json(self) -> dict[str, object]:
        """As plain values."""
        starts = self.answer is Answer.STARTS
        return {
            "handler": self.handler,
            "architecture": self.arch,
            "answer": self.answer,
            "runtimes": [one.state.runtime.name for one in self.verdicts if one.starts],
            "reason": None if starts else finding_as_json(self.reason),
        }


def handler_starts(
    package: Package,
    handlers: Mapping[str, Mapping[Arch, str]],
    *,
    layers: tuple[Package, ...] = (),
) -> tuple[HandlerStart, ...]:
    """The first handlers, on each architecture that they are there for."""
    return tuple(_handler_starts(package, handlers, layers=layers))


def build_notes(starts: Iterable[HandlerStart]) -> list[str]:
    """What would make the handlers smaller or quicker to start."""
    states = (one.verdicts[0].state for one in starts if one.verdicts)
    notes = dict.fromkeys(note for state in states for note in check_go(state))
    return [f"{note.location} {note.sentence}: {note.hint}" for note in notes]


def sum_up(starts: Iterable[HandlerStart], arches: Sequence[Arch]) -> str:
    """On which architectures every handler starts that is there for them, never more than known."""
    answers = {arch: {one.answer for one in starts if one.arch is arch} for arch in arches}
    failing = [arch for arch in arches if Answer.FAILS in answers[arch]]
    unknown = [arch for arch in arches if Answer.UNKNOWN in answers[arch] and arch not in failing]
    starting = [arch for arch in arches if arch not in {*failing, *unknown}]
    parts = (
        ("starts", starting),
        ("not every handler is known to start", unknown),
        ("not every handler starts", failing),
    )
    return ", ".join(f"{what} on {' and '.join(those)}" for what, those in parts if those)


def print_starts(starts: Iterable[HandlerStart], output: str) -> None:
    """Say on standard error which handlers start nowhere, or can't be judged."""
    told: dict[tuple[str, Answer, Finding], list[Arch]] = {}
    for one in starts:
        if one.answer is not Answer.STARTS:
            told.setdefault((one.handler, one.answer, one.reason), []).append(one.arch)
    for (handler, answer, reason), arches in list(told.items())[:_SHOWN]:
        where = f"`{handler}` starts {'nowhere ' if answer is Answer.FAILS else ''}on"
        where = f"{where} {' and '.join(arches)}"
        why = f"{reason.location} {reason.sentence}"
        if answer is Answer.FAILS:
            print_warning(f"{where}: {why}", hint=reason.hint)
        else:
            print_warning(f"it can't be told whether {where}: {why}", hint=reason.hint)
    if len(told) > _SHOWN:
        print_note(f"{len(told) - _SHOWN} more of these: `shim check {output}` tells all")


def _handler_starts(
    package: Package, handlers: Mapping[str, Mapping[Arch, str]], *, layers: tuple[Package, ...]
) -> Iterator[HandlerStart]:
    runtimes = _current_runtimes()
    for handler in list(handlers)[:_LIMIT]:
        for arch in handlers[handler]:
            state = State(
                package=package, arch=arch, runtime=runtimes[0], handler=handler, layers=layers
            )
            yield HandlerStart(
                handler=handler,
                arch=arch,
                verdicts=tuple(
                    verdict(replace(state, runtime=runtime))
                    for runtime in runtimes
                    if arch in runtime.architectures
                ),
            )


def _current_runtimes() -> list[Runtime]:
    """Those that are still supported, the newest first; all, where none is."""
    day = today()
    runtimes = lambda_runtimes()
    return [one for one in runtimes if one.support_ends and one.support_ends >= day] or runtimes
