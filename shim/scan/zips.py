"""Where packages and layers come from: an account, once for each hash, or files at hand."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from shim.aws.download import Link, LinkRefused, download
from shim.errors import InputError, MachineError, ShimError
from shim.package.packages import file_sha256
from shim.scan.store import touch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from shim.aws.account import AccountApi, Described
    from shim.scan.store import Store

_PAUSES = (1.0, 4.0)
"""Seconds after a download that broke off."""


class Zips(Protocol):
    """Gives zips on disk; called by many threads at once. Raises `ShimError`."""

    def package(self, described: Described) -> Path:
        """A function's."""

    def layer(self, arn: str) -> Path:
        """A layer's version's."""

    def stop(self) -> None:
        """Let what is on its way break off."""


class Stopped(ShimError):
    """A download that nobody waits for any more."""


class AccountZips:
    """Downloads them; what is in the store already is not asked for again."""

    def __init__(
        self, api: AccountApi, store: Store, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._api, self._store, self._sleep = api, store, sleep
        self._is_stopped = False

    def package(self, described: Described) -> Path:
        """See `Zips`."""
        address = described.listed.address
        return self._fetch(described.link, lambda: self._fresh(address))

    def layer(self, arn: str) -> Path:
        """See `Zips`."""
        return self._fetch(None, lambda: self._api.layer(arn))

    def stop(self) -> None:
        """See `Zips`."""
        self._is_stopped = True

    def _fresh(self, address: str) -> Link:
        described = self._api.describe(address)
        if described.link is None:
            raise InputError(described.problem)
        return described.link

    def _fetch(self, link: Link | None, fresh: Callable[[], Link]) -> Path:
        """By the link at hand; by fresh ones where that has expired, or the download breaks off."""
        for pause in _PAUSES:
            try:
                return self._download(link or fresh())
            except LinkRefused:
                link = None
            except MachineError:
                link = None
                self._sleep(pause)
        return self._download(fresh())

    def _download(self, link: Link) -> Path:
        return touch(download(link, folder=self._store.folder, progress=self._check))

    def _check(self, _: int) -> None:
        if self._is_stopped:
            raise Stopped("the download was stopped")


class FileZips:
    """Those of files that the user names, and of earlier downloads."""

    def __init__(
        self,
        store: Store,
        *,
        packages: Iterable[Path] = (),
        layers: Mapping[str, Path],
        layer_hashes: Mapping[str, str],
    ) -> None:
        self._store, self._layers, self._layer_hashes = store, layers, layer_hashes
        self._packages = {file_sha256(path): path for path in packages}

    def package(self, described: Described) -> Path:
        """See `Zips`."""
        return self._find(described.listed.code_sha256, "its package is not at hand")

    def layer(self, arn: str) -> Path:
        """See `Zips`."""
        if arn in self._layers:
            return self._layers[arn]
        return self._find(self._layer_hashes.get(arn, ""), "its layer is not at hand")

    def stop(self) -> None:
        """See `Zips`: nothing takes long."""

    def _find(self, sha256: str, problem: str) -> Path:
        if sha256 in self._packages:
            return self._packages[sha256]
        path = self._store.path(sha256) if sha256 else None
        if path is None or not path.is_file() or file_sha256(path) != sha256:
            raise InputError(problem)
        return touch(path)
