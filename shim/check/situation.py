"""Where a script stands: what is known of its variables, its folder and its options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from shim.check.tree import TASK
from shim.package.shell import Unclear

Value: TypeAlias = str | Unclear
"""A text, or why it isn't known."""


class Stuck(Exception):
    """The script can't be followed any further."""

    def __init__(self, unclear: Unclear | str) -> None:
        self.unclear = Unclear(reason=unclear) if isinstance(unclear, str) else unclear
        super().__init__(self.unclear.reason)


@dataclass(kw_only=True, slots=True)
class Situation:
    """Where one way through a script stands."""

    variables: dict[str, Value | None]
    """None for what is not set; what isn't here is not known."""
    is_bash: bool
    """Whether the shell is bash, and not one that knows less."""
    is_posix: bool
    """Whether a file that can't be read in ends the script."""
    arguments: tuple[Value, ...] = ()
    folder: str | None = TASK
    """The working directory; None where it isn't known."""
    options: frozenset[str] = frozenset()
    """What `set` has set: `e`, `u`, `pipefail`."""
    has_asked: bool = False
    """Whether it has looked at where the runtime API is."""

    def value(self, name: str) -> Value | None:
        """What a variable has; None where it is not set."""
        self.has_asked = self.has_asked or name == "AWS_LAMBDA_RUNTIME_API"
        match name:
            case "#":
                return str(len(self.arguments))
            case "-":
                own = "hB" if self.is_bash else ""
                return "".join(sorted(one for one in self.options if len(one) == 1)) + own
            case "PWD":
                return self.folder or Unclear(reason="it depends on the working directory")
            case _ if name.isdecimal() and name != "0":
                inside = int(name) <= len(self.arguments)
                return self.arguments[int(name) - 1] if inside else None
            case _:
                unknown = Unclear(reason=f"it depends on the variable `{name}`")
                return self.variables.get(name, unknown)

    def is_set(self, name: str) -> bool:
        """Whether a variable is known to be set, to what ever."""
        return self.variables.get(name) is not None or (
            name not in self.variables and isinstance(self.value(name), str)
        )

    def restore(self, variables: dict[str, Value | None]) -> None:
        """Give all variables back what they had."""
        self.variables.clear()
        self.variables.update(variables)

    def path(self, path: str) -> Value:
        """A path from the working directory."""
        if path.startswith("/"):
            return path
        while path.startswith("./"):
            path = path[2:].lstrip("/")
        folder = self.value("PWD")
        return f"{folder}/{path}" if isinstance(folder, str) else folder or path
