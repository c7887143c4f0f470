"""Where a script stands: what is known of its variables, and what came of what it ran."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from shim.check.tree import TASK
from shim.package.shell import Unclear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.check.findings import Finding
    from shim.package.shell import Statement

Value: TypeAlias = str | Unclear
"""A text, or why it isn't known."""

NOT_FOUND = 127
"""The exit status where there is no such program."""


class Leaving(Enum):
    """What a statement leaves: the rest of what is around it isn't done."""

    ROUND = "a round of a loop"
    FUNCTION = "a function, or a file that is read in"
    SCRIPT = "the script"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A program that could not be started, while the script went on."""

    findings: tuple[Finding, ...]
    is_after_another: bool
    """Whether another program of the package had been started before."""
    is_certain: bool = True
    """Not so of a program of the runtime's: what it has isn't all known."""
    is_strict: bool = False
    """Whether the script ends there if it really fails (`set -e`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """Where one way through a script stands."""

    variables: Mapping[str, Value | None]
    """None for what is not set; what isn't here is not known."""
    arguments: tuple[Value, ...]
    arrays: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    folder: str | None = TASK
    """The working directory; None where it isn't known."""
    functions: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)
    status: int | None = 0
    """Of the last command; None where it isn't known."""
    is_bash: bool = True
    """Whether the shell is bash, and not one that knows less."""
    is_posix: bool = True
    """Whether a file that can't be read in ends the script."""
    is_strict: bool = False
    """Whether a command that fails ends the script (`set -e`)."""
    leaving: Leaving | None = None
    has_run: bool = False
    """Whether a program of the package's was started."""
    has_acted: bool = False
    """Whether anything was started, or said."""
    failures: tuple[Failure, ...] = ()
    is_last_missing: bool = False
    """Whether the last command was a program that could not be started."""
    result: tuple[Finding, ...] | None = None
    """What was found when it went over into another program (`exec`)."""
    unclear: Unclear | None = None
    """Why it can't be followed any further."""

    @property
    def goes_on(self) -> bool:
        """Whether the next statement is done."""
        return self.leaving is None

    def value(self, name: str) -> Value | None:
        """What a variable has; None where it is not set."""
        if name in self.variables:
            return self.variables[name]
        array, bracket, index = name.partition("[")
        if bracket and array in self.arrays and (number := index.rstrip("]")).isdecimal():
            members = self.arrays[array]
            return members[int(number)] if int(number) < len(members) else None
        return Unclear(line=0, reason=f"it depends on the variable `{name}`")

    def with_variable(self, name: str, value: Value | None) -> Situation:
        """The same with a variable set, or unset."""
        return replace(self, variables={**self.variables, name: value})

    def with_status(self, status: int | None) -> Situation:
        """The same behind a command that ended so."""
        return replace(self, status=status)

    def stuck(self, unclear: Unclear, line: int) -> Situation:
        """The end of what can be followed."""
        unclear = unclear if unclear.line else replace(unclear, line=line)
        return replace(self, unclear=unclear, leaving=Leaving.SCRIPT)
