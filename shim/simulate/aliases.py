"""The aliases of one function, as Lambda keeps them [docs/why/lambda.md]."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shim.aws.api import LATEST, Alias, NotFound, Refused, RevisionMismatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random


class Aliases:
    """Names for versions; `check_version` raises where there is no such version."""

    def __init__(
        self,
        random: Random,
        *,
        new_revision: Callable[[], str],
        check_version: Callable[[str], object],
    ) -> None:
        self._random = random
        self._new_revision = new_revision
        self._check_version = check_version
        self._aliases: dict[str, Alias] = {}

    def __iter__(self) -> Iterator[Alias]:
        """All of them, in the order in which they were made."""
        return iter(self._aliases.values())

    def put(self, alias: Alias) -> Alias:
        """Make it, or move it."""
        self._check(alias)
        self._aliases[alias.name] = replace(alias, revision=self._new_revision())
        return self._aliases[alias.name]

    def get(self, name: str) -> Alias:
        """The alias of that name."""
        if name not in self._aliases:
            raise NotFound(f"cannot find the alias: {name}")
        return self._aliases[name]

    def move(self, alias: Alias) -> Alias:
        """The same, for whoever has seen it as it is now."""
        if alias.revision != self.get(alias.name).revision:
            raise RevisionMismatch("the revision id is not the alias's latest")
        return self.put(alias)

    def version(self, qualifier: str) -> str:
        """The version that a qualifier stands for, a weight or not."""
        return self._aliases[qualifier].version if qualifier in self._aliases else qualifier

    def route(self, qualifier: str) -> str:
        """The version that an invocation goes to: an alias draws by weight."""
        if qualifier not in self._aliases:
            return qualifier
        alias = self._aliases[qualifier]
        if alias.other_version and self._random.random() < alias.other_weight:
            return alias.other_version
        return alias.version

    def _check(self, alias: Alias) -> None:
        """An alias with a weight has two published versions, and no more."""
        for version in filter(None, (alias.version, alias.other_version)):
            self._check_version(version)
        if alias.other_version is None:
            return
        if LATEST in {alias.version, alias.other_version}:
            raise Refused(
                "$LATEST is not supported for an alias that points to more than 1 version"
            )
        if alias.version == alias.other_version or not 0 <= alias.other_weight <= 1:
            raise Refused(f"a weight from 0 to 1 for a second version: {alias.other_weight}")
