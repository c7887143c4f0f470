"""What a scan comes to: how many functions stand where, and which dates come first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from shim.check.verdict import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from shim.check.runtimes import Runtime
    from shim.scan.outlook import Outlook
    from shim.scan.scanner import Scan, Scanned


class Standing(StrEnum):
    """How far a function is from where it is wanted, the nearest first."""

    THERE = "there already"
    READY = "ready"
    BARRED = "no safe plan"
    UNKNOWN = "unknown"
    FAILS = "won't start"

    @property
    def rank(self) -> int:
        """For sorting."""
        return list(Standing).index(self)


def standing(outlook: Outlook) -> Standing:
    """Of one function and one place."""
    match outlook.answer:
        case Answer.FAILS:
            return Standing.FAILS
        case Answer.UNKNOWN:
            return Standing.UNKNOWN
        case Answer.STARTS if outlook.calls == ():
            return Standing.THERE
        case Answer.STARTS:
            return Standing.READY if outlook.goes else Standing.BARRED
        case _:
            assert_never(outlook.answer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """The functions of one runtime, which all have its dates."""

    runtime: Runtime
    functions: int
    standings: tuple[tuple[str, Mapping[Standing, int]], ...]
    """By what is wanted."""

    @property
    def until(self) -> date | None:
        """From when on no update is taken."""
        return self.runtime.update_blocked

    def days(self, today: date) -> int | None:
        """Until then; less than 0 where it has passed."""
        return None if self.until is None else (self.until - today).days


def counted(number: int, word: str) -> str:
    """So many of what the word names."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def deadlines(scan: Scan) -> tuple[Deadline, ...]:
    """The most urgent first."""
    by_runtime: dict[Runtime, list[Scanned]] = {}
    for one in scan.functions:
        if runtime := one.facts.runtime:
            by_runtime.setdefault(runtime, []).append(one)
    found = [
        Deadline(
            runtime=runtime,
            functions=len(functions),
            standings=tuple(
                (wanted, standings(functions, index)) for index, wanted in enumerate(scan.wanted)
            ),
        )
        for runtime, functions in by_runtime.items()
    ]
    return tuple(sorted(found, key=lambda one: (str(one.until or "9999"), one.runtime.name)))


def standings(functions: Iterable[Scanned], index: int) -> Mapping[Standing, int]:
    """How many functions stand where, for the wanted one of that index."""
    counts = Counter(standing(one.outlooks[index]) for one in functions if one.outlooks)
    return {one: counts[one] for one in Standing if counts[one]}


def urgent_first(scan: Scan) -> list[Scanned]:
    """The functions that shim is for: by date, then those that can go at once, then by name."""
    ours = [one for one in scan.functions if one.outlooks]
    return sorted(ours, key=_urgency)


def others(scan: Scan) -> Counter[str]:
    """Of the functions that shim isn't for, how many run on what."""
    return Counter(
        one.facts.listed.runtime or "container image" for one in scan.functions if not one.outlooks
    )


def problems(functions: Iterable[Scanned]) -> dict[str, list[str]]:
    """What could not be read, and the names of the functions that it was of."""
    found: dict[str, list[str]] = {}
    for one in functions:
        for problem in one.facts.problems:
            found.setdefault(problem, []).append(one.facts.listed.name)
    return found


def _urgency(one: Scanned) -> tuple[str, int, str, str]:
    runtime, listed = one.facts.runtime, one.facts.listed
    until = runtime.update_blocked if runtime else None
    nearest = min(standing(outlook).rank for outlook in one.outlooks)
    return str(until or "9999"), nearest, listed.name, listed.region
