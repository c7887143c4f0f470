"""What came of executing a file, and as what it was executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.check.findings import Finding
    from shim.check.tree import Node


class Role(StrEnum):
    """As what a file is executed; some findings' codes begin with it."""

    BOOTSTRAP = "bootstrap"
    HANDLER = "handler"
    WRAPPER = "wrapper"
    EXTENSION = "extension"
    INTERPRETER = "interpreter"
    PROGRAM = "program"
    """What a script names."""
    SHELL_SCRIPT = "script"
    """What a shell is given to read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What came of executing a path."""

    path: str
    error: int = 0
    node: Node | None = None
    findings: tuple[Finding, ...] = field(default=())
    is_followed: bool = False
    """Whether what it starts has been looked at: a script's programs."""

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing at the path."""
        return self.node is None
