"""From an account, or from files, to what is said of each function."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.aws.account import Described
from shim.errors import ShimError
from shim.scan.facts import Facts
from shim.scan.fetching import Fetcher, pool
from shim.scan.judge import Judge
from shim.scan.reading import CallersReader, Reader, facts_of
from shim.scan.zips import AccountZips, FileZips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from shim.aws.account import AccountApi, Listed
    from shim.scan.facts import Choice
    from shim.scan.fetching import Fetched
    from shim.scan.folders import FolderWriter
    from shim.scan.outlook import Outlook
    from shim.scan.store import Store
    from shim.scan.wanted import Wanted
    from shim.scan.zips import Zips

_TRIMMED = 1 << 30
"""Bytes of packages after which it is looked whether there is room for more."""

_INTERRUPTED = "it was not looked at: the scan was interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanned:
    """One function."""

    facts: Facts
    outlooks: tuple[Outlook, ...] = ()
    """By what it is wanted as; none where it is no function for shim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """All that was asked for."""

    day: date
    wanted: tuple[str, ...]
    functions: tuple[Scanned, ...]
    layers: Mapping[str, str]
    """Hashes of layers' versions, by ARN."""
    problems: tuple[str, ...] = ()
    """Why whole regions could not be read."""
    is_complete: bool = True
    """Whether it came to its end: what was read before an interruption is in it all the same."""


class Scanner:
    """Gathers what is known, step by step: an interruption loses none of it."""

    def __init__(
        self,
        *,
        choice: Choice,
        wanted: Sequence[Wanted],
        day: date,
        store: Store,
        folders: FolderWriter | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`folders` gets each function that is ready for the first of what is wanted."""
        self._choice, self._wanted, self._day = choice, tuple(wanted), day
        self._store, self._folders, self._say = store, folders, say
        self._judge = Judge(wanted, day=day)
        self._facts: dict[str, Facts] = {}
        self._outlooks: dict[str, tuple[Outlook, ...]] = {}
        self._layers: dict[str, str] = {}
        self.problems: list[str] = []
        """Of what is no single function's; who scans several regions adds to it."""

    def scan_account(
        self,
        api: AccountApi,
        *,
        asks_callers: bool,
        announce: Callable[[int], None] = lambda _: None,
    ) -> None:
        """One region; `announce` gets how many functions will be looked at, which takes time."""
        reader = Reader(api, self._choice, say=self._say)
        ours = self._list(reader)
        announce(len(ours))
        described = self._describe(reader, ours)
        zips = AccountZips(api, self._store)
        if not asks_callers:
            self.judge(described, zips)
            return
        with pool() as threads:
            callers = CallersReader(api, [one.listed for one in described], threads=threads)
            try:
                self.judge(described, zips)
                callers.wait(self._say)
            finally:
                for one in described:
                    address = one.listed.address
                    self._facts[address] = callers.answered(self._facts[address])

    def scan_files(
        self,
        functions: Iterable[Facts],
        *,
        packages: Iterable[Path] = (),
        layers: Mapping[str, Path],
        layer_hashes: Mapping[str, str],
    ) -> None:
        """What files say of functions, with the packages and layers that are at hand."""
        for facts in functions:
            self._facts[facts.listed.address] = facts
        zips = FileZips(self._store, packages=packages, layers=layers, layer_hashes=layer_hashes)
        self.judge([Described(listed=one.listed) for one in self._facts.values()], zips)

    def judge(self, functions: Iterable[Described], zips: Zips) -> None:
        """Get the packages, each once, and judge all functions that have it."""
        readable = []
        for one in functions:
            if one.listed.is_os_only and one.listed.function is not None:
                readable.append(one)
            else:
                self._outlooks[one.listed.address] = self._judge.unread(one.listed.problem)
        done = size = 0
        fetcher = Fetcher(readable, zips)
        for fetched in fetcher:
            self._judge_all(fetched)
            done += len(fetched.functions)
            self._say(f"judging functions: {done:,} of {len(readable):,}")
            size += fetched.functions[0].listed.code_size
            if size > _TRIMMED:
                self._store.trim(fetcher.in_use())
                size = 0

    def result(self, *, is_complete: bool = True) -> Scan:
        """What is known by now of the functions that were chosen."""
        return Scan(
            day=self._day,
            wanted=tuple(map(str, self._wanted)),
            functions=tuple(
                Scanned(facts=facts, outlooks=self._outlook(facts.listed))
                for facts in self._facts.values()
                if self._choice.takes(facts)
            ),
            layers=self._layers,
            problems=tuple(self.problems),
            is_complete=is_complete,
        )

    def _list(self, reader: Reader) -> list[Listed]:
        """Those of a region that shim is for; the others are remembered too."""
        ours = []
        for listed in reader.listed():
            self._facts[listed.address] = Facts(listed=listed)
            if listed.is_os_only:
                ours.append(listed)
        return ours

    def _describe(self, reader: Reader, functions: Sequence[Listed]) -> list[Described]:
        """Those whose tags are chosen too."""
        found = []
        for described in reader.described(functions):
            facts = facts_of(described)
            self._facts[described.listed.address] = facts
            if self._choice.takes(facts):
                found.append(described)
        return found

    def _judge_all(self, fetched: Fetched) -> None:
        for arn, path in fetched.layers.items():
            sha256 = None if isinstance(path, ShimError) else self._store.sha256(path)
            if sha256:
                self._layers[arn] = sha256
        functions = [one.listed.function for one in fetched.functions]
        outlooks = self._judge.outlooks(
            [one for one in functions if one is not None], fetched.package, fetched.layers
        )
        for one, outlook in zip(fetched.functions, outlooks, strict=True):
            self._outlooks[one.listed.address] = outlook
            if self._folders and outlook[0].goes and outlook[0].calls:
                self._write(self._folders, one.listed, fetched)

    def _write(self, folders: FolderWriter, listed: Listed, fetched: Fetched) -> None:
        try:
            folders.write(listed, *fetched.at_hand())
        except ShimError as error:
            facts = self._facts[listed.address]
            problem = f"it has no deployment folder: {error.message}"
            self._facts[listed.address] = replace(facts, problems=(*facts.problems, problem))

    def _outlook(self, listed: Listed) -> tuple[Outlook, ...]:
        if not listed.is_os_only:
            return ()
        return self._outlooks.get(listed.address) or self._judge.unread(_INTERRUPTED)
