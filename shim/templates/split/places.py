"""Where code lies while a split is deployed: beside the templates, or in S3."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from shim.plan.bridge.writing import write_package

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shim.package.read import Package
    from shim.templates.split.ways import Passage

_KEYS = ("S3Key", "Key")
_VERSIONS = {"S3ObjectVersion", "Version"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file that has to be in S3 before it is deployed."""

    file: str
    key: str


class Places:
    """The bridges of a split, written, and where templates find them and the new code."""

    def __init__(self, ways: Iterable[Passage], folder: Path) -> None:
        self._hashes: dict[Package, str] = {}
        self._uploads: dict[Upload, None] = {}
        for way in ways:
            for package in way.bridged.bridges:
                path = folder / Path(package.path).name
                write_package(replace(package, path=str(path)))
                self._hashes[package] = hashlib.sha256(path.read_bytes()).hexdigest()

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """All that has to be in S3 before the last deployment."""
        return tuple(self._uploads)

    def location(self, bridge: Package, code: Any) -> Any:
        """A bridge's, of the form that the new code's has."""
        file = Path(bridge.path).name
        name = _key(code)
        if not name:
            return file
        own = f"shim-{self._hashes[bridge][:16]}.zip"
        key = str(PurePosixPath(code[name]).with_name(own)) if isinstance(code[name], str) else own
        self._uploads[Upload(file=file, key=key)] = None
        return {**{one: code[one] for one in code if one not in _VERSIONS}, name: key}

    def expect(self, way: Passage, code: Any) -> None:
        """Note that the new code is deployed before the last deployment, by a key in S3."""
        if name := _key(code):
            pair = way.deployed.pair
            file = pair.new_side.shown(pair.new.package) if pair.new.package else "the new code"
            self._uploads[Upload(file=file, key=str(code[name]))] = None


def _key(code: Any) -> str:
    return next((one for one in _KEYS if isinstance(code, dict) and one in code), "")
