"""Where an entry's bytes come from: memory, a folder's file, or a zip, which is not trusted.

Of a zip's entry only what is asked for is inflated. Where all of it is, its CRC-32 is held to.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import deflate

from shim.files import read_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORED, DEFLATED = 0, 8
_CHUNK = 1 << 16
_OUTPUT = 1 << 20
_WHOLE_LIMIT = 64 << 20
"""Bytes of a file that is inflated at once, by libdeflate: figures in docs/why/speed.md."""


class Unreadable(ValueError):
    """An entry's bytes can't be had: encrypted, cut off, damaged."""


class Content(Protocol):
    """Where an entry's bytes come from."""

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`; fewer at the end. Raises `Unreadable`."""

    def pieces(self) -> Iterator[bytes | bytearray]:
        """All of it; raises `Unreadable` where it isn't what was announced, at the end maybe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryContent:
    """Bytes at hand."""

    data: bytes | bytearray

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        return bytes(self.data[offset : offset + size])

    def pieces(self) -> Iterator[bytes | bytearray]:
        """See `Content`."""
        yield self.data


@dataclass(frozen=True, kw_only=True, slots=True)
class FileContent:
    """A file's bytes."""

    path: Path

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            raise Unreadable(f"it can't be read ({error.strerror})") from error

    def pieces(self) -> Iterator[bytes | bytearray]:
        """See `Content`."""
        try:
            with self.path.open("rb", buffering=0) as file:
                while piece := file.read(_OUTPUT):
                    yield piece
        except OSError as error:
            raise Unreadable(f"it can't be read ({error.strerror})") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipContent:
    """An entry's bytes in a zip, inflated from the beginning each time."""

    path: Path
    start: int
    """Where in the zip they begin."""
    compressed: int
    size: int
    method: int
    crc32: int
    """Of all its bytes, as announced."""

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`; the CRC-32 is not held against a part."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        if self.method == STORED:
            return b"".join(self._packed(offset, min(size, self.compressed - offset)))
        wanted: list[bytes] = []
        at = 0
        # The first piece is about as long as the answer will need.
        packed = self._packed(0, self.compressed, first=max(offset + size, 1 << 10))
        for data in _inflate(packed, offset + size, exactly=False):
            if at + len(data) > offset:
                wanted.append(data[max(0, offset - at) :])
            at += len(data)
        return b"".join(wanted)

    def pieces(self) -> Iterator[bytes | bytearray]:
        """See `Content`."""
        if (whole := self.whole()) is not None:
            yield whole
            return
        packed = self._packed(0, self.compressed)
        plain = packed if self.method == STORED else _inflate(packed, self.size, exactly=True)
        size, crc32 = 0, 0
        for data in plain:
            size += len(data)
            crc32 = deflate.crc32(data, crc32)
            yield data
        self._check(size, crc32)

    def whole(self) -> bytearray | None:
        """All of it, where libdeflate can inflate it at once; raises `Unreadable` as `pieces`."""
        if self.method != DEFLATED or max(self.size, self.compressed) > _WHOLE_LIMIT:
            return None
        try:
            data = b"".join(self._packed(0, self.compressed, first=self.compressed))
            whole = deflate.deflate_decompress(data, self.size)
        except deflate.DeflateError:
            return None
        self._check(len(whole), deflate.crc32(whole))
        return whole

    def _packed(self, offset: int, size: int, *, first: int = _CHUNK) -> Iterator[bytes]:
        """The bytes as they stand in the zip."""
        at, end, step = self.start + offset, self.start + offset + size, first
        try:
            with self.path.open("rb", buffering=0) as file:
                while at < end and (piece := read_at(file.fileno(), min(step, end - at), at)):
                    yield piece
                    at += len(piece)
                    step = _CHUNK
        except OSError as error:
            raise Unreadable(f"it can't be read ({error.strerror})") from error

    def _check(self, size: int, crc32: int) -> None:
        if size != self.size:
            than = "more" if size > self.size else "fewer"
            raise Unreadable(f"it has {than} bytes than the {self.size:,} that the zip says")
        if crc32 != self.crc32:
            raise Unreadable(f"its CRC-32 is {crc32:08x}, and the zip says {self.crc32:08x}")


def _inflate(packed: Iterator[bytes], limit: int, *, exactly: bool) -> Iterator[bytes]:
    """The first `limit` inflated bytes, or, where there may be no others, a byte more than that."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left = limit + exactly
    for piece in packed:
        rest, is_more = piece, True
        while is_more and not inflater.eof and left:
            room = min(left, _OUTPUT)
            try:
                data = inflater.decompress(rest, room)
            except zlib.error as error:
                raise Unreadable("its compressed data is damaged") from error
            yield data
            left -= len(data)
            rest = inflater.unconsumed_tail
            is_more = bool(rest) or len(data) == room
        if inflater.eof or not left:
            return
    if exactly:
        raise Unreadable("its compressed data is cut off")
