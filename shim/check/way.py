"""One way through a script: what was chosen where nobody knows, and what has come of it so far."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from shim.check.findings import Severity, finding
from shim.check.situation import Stuck

if TYPE_CHECKING:
    from shim.check.findings import Finding
    from shim.check.programs import Started
    from shim.package.shell import Unclear


class Ended(Exception):
    """The script is over; nothing more was found than there is."""


class Way:
    """Through a script that people know as `where`; `choices` are those of the way before."""

    def __init__(self, choices: list[bool], where: str) -> None:
        self._choices, self._chosen, self._where = choices, 0, where
        self.line = 1
        """Of the last command."""
        self.tested = self.inside = 0
        """How many tests it is in, and how many processes of their own."""
        self.found: list[Finding] = []
        self._missed: list[tuple[Finding, bool]] = []
        """What could not be started so far, and whether that is certain."""
        self.has_started = self.has_acted = self.is_last_missed = False
        """Whether the package's programs were started, any was, and the last one could not be."""

    def choose(self) -> bool:
        """Yes on one way, no on the other."""
        if self._chosen == len(self._choices):
            self._choices.append(True)
        self._chosen += 1
        return self._choices[self._chosen - 1]

    def start(self, started: Started) -> None:
        """A program runs: what was missed before has ended nothing."""
        self.found += [replace(one, severity=Severity.WARNING) for one, _ in self._missed]
        self.found += started.findings
        self._missed, self.has_started = [], True

    def miss(self, started: Started, *, is_open: bool = False) -> None:
        """A program can't be started; `is_open` where that may be wrong, and ends the script."""
        self.is_last_missed = True
        for one in started.findings:
            if self.has_started or is_open or not is_error(one):
                self.found.append(weaker(one))
            else:
                self._missed.append((one, started.is_own))

    def end(self, *, status: bool | None, when: str = "") -> NoReturn:
        """The script's end, without `exec`."""
        if self._missed:
            *before, (last, is_certain) = self._missed
            self.found += [one if is_sure else weaker(one) for one, is_sure in before]
            self.found.append(last if is_certain or self.is_last_missed else weaker(last))
        elif not self.has_started and (status is False or not self.has_acted):
            self.found.append(_ended(self._where, when))
        elif not self.has_started:
            raise Stuck("only the runtime's own programs are run")
        raise Ended

    def give_up(self, unclear: Unclear) -> None:
        """It can't be followed any further."""
        self.found += [weaker(one) for one, _ in self._missed]
        self.found.append(not_followed(unclear.reason, unclear.line or self.line, self._where))


def is_error(found: Finding) -> bool:
    """Whether it keeps a function from starting."""
    return found.severity is Severity.ERROR


def weaker(found: Finding) -> Finding:
    """The same where it isn't certain."""
    return replace(found, severity=Severity.UNKNOWN) if is_error(found) else found


def not_followed(reason: str, line: int, where: str) -> Finding:
    """Why a script can't be followed to its end."""
    return finding(
        "script-not-followed",
        where,
        f"can't be followed beyond line {line}: {reason}; whether the function starts can't be"
        " told",
        hint="try it: `shim run`; or let `bootstrap` be a launcher: pack it with `shim pack`",
    )


def _ended(where: str, when: str) -> Finding:
    return finding(
        "script-ends",
        where,
        f"ends{when} before it has started anything",
        hint="end it with `exec` and the program that is to run",
    )
