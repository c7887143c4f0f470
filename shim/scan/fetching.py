"""Gets packages and layers by many threads: each once, a bounded number ahead of who reads them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shim.errors import ShimError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from shim.aws.account import Described
    from shim.scan.zips import Zips

_Asked = TypeVar("_Asked")

THREADS = 16
"""As many as keep the account's rates busy where an answer takes a tenth of a second."""

_AHEAD = 64
"""Packages that are there, or on their way, before they are read."""

_TRIES = 3
"""Functions with one and the same package that are asked for it, until one gives it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """Functions that share a package, and where that lies; or why it could not be had."""

    functions: tuple[Described, ...]
    package: Path | ShimError
    layers: Mapping[str, Path | ShimError]
    """At least theirs, by ARN."""

    def at_hand(self) -> tuple[Path, dict[str, Path]]:
        """The same, of a function that was judged to start: all of it could be had."""
        if isinstance(self.package, ShimError):
            raise self.package
        return self.package, {
            arn: path for arn, path in self.layers.items() if not isinstance(path, ShimError)
        }


@contextmanager
def pool(
    threads: int = THREADS, *, stop: Callable[[], None] = lambda: None
) -> Iterator[ThreadPoolExecutor]:
    """Threads; when the block ends, what they haven't begun with is given up.

    What they are at has been told to `stop`.
    """
    executor = ThreadPoolExecutor(threads)
    try:
        yield executor
    finally:
        stop()
        executor.shutdown(wait=True, cancel_futures=True)


class Fetcher:
    """The packages of these functions, all of which shim knows the configuration of."""

    def __init__(self, functions: Sequence[Described], zips: Zips) -> None:
        self._zips = zips
        self._groups: dict[str, list[Described]] = {}
        for one in functions:
            self._groups.setdefault(one.listed.code_sha256 or one.listed.address, []).append(one)
        self._layers: dict[str, Future[Path | ShimError]] = {}
        self._ahead: deque[tuple[list[Described], Future[Path | ShimError]]] = deque()

    def __iter__(self) -> Iterator[Fetched]:
        """As they arrive, a package's functions all at once."""
        with pool(stop=self._zips.stop) as threads:
            for arn in dict.fromkeys(
                arn for group in self._groups.values() for arn in _arns(group)
            ):
                self._layers[arn] = threads.submit(_had, self._zips.layer, arn)
            for group in self._groups.values():
                self._ahead.append((group, threads.submit(_package, self._zips, group)))
                if len(self._ahead) > _AHEAD:
                    yield self._arrived(*self._ahead.popleft())
            while self._ahead:
                yield self._arrived(*self._ahead.popleft())

    def in_use(self) -> Iterator[Path]:
        """What has been fetched and is still to be read."""
        for future in (*self._layers.values(), *(future for _, future in self._ahead)):
            had = future.result() if future.done() else None
            if isinstance(had, Path):
                yield had

    def _arrived(self, group: Sequence[Described], package: Future[Path | ShimError]) -> Fetched:
        return Fetched(
            functions=tuple(group),
            package=package.result(),
            layers={arn: self._layers[arn].result() for arn in _arns(group)},
        )


def _package(zips: Zips, group: Sequence[Described]) -> Path | ShimError:
    """By the first function that gives it: one may be encrypted, and another with it not."""
    had = _had(zips.package, group[0])
    for one in group[1:_TRIES]:
        if isinstance(had, ShimError):
            had = _had(zips.package, one)
    return had


def _had(get: Callable[[_Asked], Path], asked: _Asked) -> Path | ShimError:
    try:
        return get(asked)
    except ShimError as error:
        return error


def _arns(group: Iterable[Described]) -> dict[str, None]:
    """Of the layers of these functions, each once."""
    functions = (one.listed.function for one in group)
    return dict.fromkeys(arn for one in functions if one is not None for arn in one.layers)
