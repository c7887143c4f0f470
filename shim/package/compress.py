"""Compresses entries on every processor: libdeflate, an entry at a time, the results in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import deflate

from shim.package.entry import checked_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from shim.package.entry import Entry

LEVEL, LARGE_LEVEL = 5, 4
"""Of libdeflate's 1 to 12, the second for LARGE files: figures in docs/why/speed.md."""

LARGE = 8 << 20
"""Bytes."""

IN_FLIGHT = 128 << 20
"""Bytes, unpacked, of the entries that are being compressed or wait for their turn in the zip.

A larger entry is compressed alone.
"""

WORKERS = min(8, os.cpu_count() or 1)
"""Threads: reading and compressing both free the interpreter's lock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressed:
    """An entry's bytes as they stand in a zip."""

    entry: Entry
    data: bytes | bytearray
    is_deflated: bool
    crc32: int
    """Of the bytes before compression."""


def compress_entries(entries: Iterable[Entry]) -> Iterator[Compressed]:
    """The entries in their order; what a thread meets, a file that changed say, is raised here."""
    pool = ThreadPoolExecutor(WORKERS)
    pending: deque[tuple[int, Future[Compressed]]] = deque()
    in_flight = 0
    try:
        for entry in entries:
            while pending and in_flight + entry.size > IN_FLIGHT:
                size, oldest = pending.popleft()
                yield oldest.result()
                in_flight -= size
            pending.append((entry.size, pool.submit(_compress, entry)))
            in_flight += entry.size
        while pending:
            yield pending.popleft()[1].result()
    finally:
        pool.shutdown(cancel_futures=True)


def _compress(entry: Entry) -> Compressed:
    content = checked_content(entry)
    source = entry.source
    crc32 = deflate.crc32(source) if isinstance(source, bytes) else source.crc32
    # A link is stored as it is: build-lambda-zip and Info-ZIP do it, and some readers expect it.
    level = LEVEL if len(content) < LARGE else LARGE_LEVEL
    packed = None if entry.is_link else deflate.deflate_compress(content, level)
    if packed is None or len(packed) >= len(content):
        return Compressed(entry=entry, data=content, is_deflated=False, crc32=crc32)
    return Compressed(entry=entry, data=packed, is_deflated=True, crc32=crc32)
