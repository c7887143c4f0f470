"""What is known of a function before its package is looked at, and which functions are chosen."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from shim.aws.api import Denied
from shim.aws.owner import owner_of
from shim.check.runtimes import read_runtimes

if TYPE_CHECKING:
    from shim.aws.account import Caller, Listed
    from shim.aws.owner import Owner
    from shim.check.runtimes import Runtime
    from shim.errors import ShimError


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """One function."""

    listed: Listed
    tags: tuple[tuple[str, str], ...] = ()
    callers: tuple[Caller, ...] | None = None
    """None where nobody asked for them, or where they aren't all known."""
    problems: tuple[str, ...] = ()
    """What could not be read of it."""

    @property
    def owner(self) -> Owner | None:
        """The tool that its tags name."""
        return owner_of(dict(self.tags))

    @property
    def runtime(self) -> Runtime | None:
        """What it runs on; None where that isn't an OS-only runtime."""
        return read_runtimes()[self.listed.runtime] if self.listed.is_os_only else None

    @property
    def qualifiers(self) -> tuple[str, ...]:
        """By which it is invoked, as far as that is known."""
        return tuple(dict.fromkeys(caller.qualifier for caller in self.callers or ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Which functions are looked at: all, where nothing is said."""

    names: tuple[str, ...] = ()
    """Patterns, one of which has to match: `orders-*`."""
    tags: tuple[tuple[str, str | None], ...] = ()
    """All of which it has to have; with any value where that is None."""
    owner: str = ""
    """A tool, or what that calls it: a stack's name."""

    @property
    def needs_tags(self) -> bool:
        """Whether more has to be known than what an account lists."""
        return bool(self.tags or self.owner)

    def takes_name(self, name: str) -> bool:
        """Whether a function of that name is looked at."""
        return not self.names or any(fnmatchcase(name, pattern) for pattern in self.names)

    def takes(self, facts: Facts) -> bool:
        """Whether a function is looked at, as far as name and tags tell."""
        tags, owner = dict(facts.tags), facts.owner
        return (
            self.takes_name(facts.listed.name)
            and all(name in tags and value in {None, tags[name]} for name, value in self.tags)
            and (not self.owner or (owner is not None and self.owner.lower() in _names_of(owner)))
        )


def why(error: ShimError) -> str:
    """What failed; where a permission is missing, in the same words for all functions."""
    if isinstance(error, Denied) and error.action in error.message:
        return f"not permitted: {error.action}"
    return error.message


def _names_of(owner: Owner) -> set[str]:
    return {one.lower() for one in (owner.tool, owner.name, str(owner)) if one}
