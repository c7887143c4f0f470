"""A package before it is written, to be looked at like one that is read: nothing is inflated."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.package.contents import Content, MemoryContent
from shim.package.entry import PackedSource
from shim.package.read import Entry, Package

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.package.entry import Entry as ToWrite
    from shim.package.entry import Source


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceContent:
    """The bytes that an entry will have."""

    source: Source

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        return self.source.read(offset, size)

    def pieces(self) -> Iterator[bytes]:
        """See `Content`."""
        yield self.source.content()


def planned_package(path: str, entries: Iterable[ToWrite]) -> Package:
    """What will be read of the zip at `path` once it has these entries."""
    return Package(path=path, entries=tuple(map(_planned, entries)))


def _planned(entry: ToWrite) -> Entry:
    return Entry(
        name=entry.name,
        kind=stat.S_IFMT(entry.mode),
        mode=stat.S_IMODE(entry.mode),
        size=entry.size,
        content=_content(entry.source),
    )


def _content(source: bytes | Source) -> Content:
    match source:
        case bytes():
            return MemoryContent(data=source)
        case PackedSource():
            return source.entry.content
        case _:
            return SourceContent(source=source)
