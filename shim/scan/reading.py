"""Reads what an account has: lists its functions, describes those that count, asks who calls them.

Every call that fails is a problem of the function that it was for, and stops no other.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import as_completed, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from shim.aws.account import Described
from shim.aws.api import LATEST
from shim.errors import ShimError
from shim.scan.facts import Facts, why
from shim.scan.fetching import pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from shim.aws.account import AccountApi, Caller, Listed
    from shim.aws.api import Alias
    from shim.scan.facts import Choice

_NOT_JUDGED = (
    "not judged: the published versions that its aliases are on (`shim plan --alias` does)"
)


class Reader:
    """One region of an account; what was read before an interruption stays in `described`."""

    def __init__(
        self, api: AccountApi, choice: Choice, *, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._api, self._choice, self._say = api, choice, say

    def listed(self) -> Iterator[Listed]:
        """The functions with names that were asked for."""
        for number, listed in enumerate(self._api.functions(), start=1):
            self._say(f"listing functions: {number:,}")
            if self._choice.takes_name(listed.name):
                yield listed

    def described(self, functions: Sequence[Listed]) -> Iterator[Described]:
        """Each of these, in no order, with its tags and a link to its package."""
        with pool() as threads:
            asked = [threads.submit(self._describe, listed) for listed in functions]
            for number, future in enumerate(as_completed(asked), start=1):
                self._say(f"reading functions: {number:,} of {len(asked):,}")
                yield future.result()

    def _describe(self, listed: Listed) -> Described:
        try:
            return self._api.describe(listed.address)
        except ShimError as error:
            return Described(listed=listed, problem=why(error))


class CallersReader:
    """Who invokes each function of a region: asked for beside everything else, as it takes long."""

    def __init__(
        self, api: AccountApi, functions: Sequence[Listed], *, threads: ThreadPoolExecutor
    ) -> None:
        self._api = api
        self._sources = threads.submit(self._event_sources)
        self._asked = {one.address: threads.submit(self._callers, one.address) for one in functions}

    def wait(self, say: Callable[[str], None]) -> None:
        """Until all is known."""
        for number, _ in enumerate(as_completed(self._asked.values()), start=1):
            say(f"asking who invokes them: {number:,} of {len(self._asked):,}")
        wait([self._sources])

    def answered(self, facts: Facts) -> Facts:
        """With the callers, or why they aren't known; without either where nobody has waited."""
        future = self._asked.get(facts.listed.address)
        if future is None or not (future.done() and self._sources.done()) or future.cancelled():
            return facts
        try:
            aliases, allowed = future.result()
            callers = (*self._sources.result()[facts.listed.arn], *allowed)
        except ShimError as error:
            problem = f"who invokes it is not known: {why(error)}"
            return replace(facts, problems=(*facts.problems, problem))
        is_published = any(one.version != LATEST or one.other_version for one in aliases)
        notes = (_NOT_JUDGED,) if is_published else ()
        return replace(facts, callers=callers, problems=(*facts.problems, *notes))

    def _event_sources(self) -> Mapping[str, list[Caller]]:
        found: defaultdict[str, list[Caller]] = defaultdict(list)
        for arn, caller in self._api.event_sources():
            found[arn].append(caller)
        return found

    def _callers(self, function: str) -> tuple[tuple[Alias, ...], tuple[Caller, ...]]:
        aliases = self._api.aliases(function)
        allowed = [
            caller
            for qualifier in (LATEST, *(alias.name for alias in aliases))
            for caller in self._api.permissions(function, qualifier)
        ]
        return aliases, (*self._api.urls(function), *allowed)


def facts_of(described: Described) -> Facts:
    """What describing a function gave."""
    problems = (described.problem,) if described.problem else ()
    return Facts(listed=described.listed, tags=described.tags, problems=problems)
