"""Reads /etc/ld.so.cache: which libraries `ldconfig` found, in whatever folders it was told of."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER_SIZE = 48  # glibc, sysdeps/generic/dl-cache.h: struct cache_file_new
_COUNT = struct.Struct("<I")
_ENTRY = struct.Struct("<iIIIQ")  # struct file_entry_new: flags, key, value, osversion, hwcap
_LIMIT = 20_000


def read_cache(data: bytes) -> Iterator[tuple[str, str]]:
    """Each library's name and path; nothing where it isn't such a file.

    Before glibc 2.32 an older form stood in front; offsets count from where this one begins.
    """
    begin = data.find(_MAGIC)
    if begin < 0 or begin + _HEADER_SIZE > len(data):
        return
    cache = data[begin:]
    (count,) = _COUNT.unpack_from(cache, len(_MAGIC))
    for index in range(min(count, _LIMIT, (len(cache) - _HEADER_SIZE) // _ENTRY.size)):
        _, key, value, _, _ = _ENTRY.unpack_from(cache, _HEADER_SIZE + index * _ENTRY.size)
        yield _text(cache, key), _text(cache, value)


def _text(cache: bytes, begin: int) -> str:
    return cache[begin : cache.find(b"\0", begin)].decode(errors="surrogateescape")
