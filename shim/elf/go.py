"""What Go's linker notes down in its programs: toolchain, modules, settings (debug/buildinfo)."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.elf.header import LOAD, ElfInvalid
from shim.elf.sections import section_offset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.elf.header import ElfStart, Read

_NOTE = b"Go", 4  # the build's ID, which cmd/link writes into every program: `-buildid`
_MAGIC = b"\xff Go buildinf:"
_ALIGNED, _HEADER_SIZE = 16, 32
_SEARCHED = 1 << 16
_BIG_ENDIAN, _INLINE = 1, 2
_SECTION = b".go.buildinfo"
_WRITE, _EXECUTE = 2, 1
_TEXT_LIMIT = 4 << 20
_GUARD = 16
"""Bytes on each side of the modules' text, by which it was found before there was a header."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, kw_only=True, slots=True)
class GoBuild:
    """How a Go program was built, as `go version -m` tells it."""

    toolchain: str
    """`go1.22.3`, say."""
    text: str
    """The lines behind it."""

    @property
    def path(self) -> str | None:
        """The package that is the program."""
        return next((words[1] for words in self._lines("path")), None)

    @property
    def versions(self) -> Mapping[str, str]:
        """By path, the version of each module that is in it."""
        return {words[1]: words[2] for words in self._lines("dep") if len(words) > 2}

    @property
    def settings(self) -> Mapping[str, str]:
        """`GOARCH`, `-tags` and so on; empty before Go 1.18."""
        pairs = (words[1].partition("=") for words in self._lines("build"))
        return {_unquoted(name): _unquoted(value) for name, _, value in pairs}

    @property
    def tags(self) -> frozenset[str]:
        """The build's `-tags`."""
        return frozenset(self.settings.get("-tags", "").split(","))

    def _lines(self, kind: str) -> Iterator[list[str]]:
        for line in self.text.splitlines():
            words = line.split("\t")
            if words[0] == kind and len(words) > 1:
                yield words


def is_go(start: ElfStart) -> bool:
    """Whether Go's own linker made the program, as far as the headers tell."""
    return any((note.owner, note.kind) == _NOTE for note in start.notes)


def read_go_build(start: ElfStart, read: Read) -> GoBuild | None:
    """What is noted down; None where there is nothing, or nonsense. It lies behind the code."""
    place = _place(start, read)
    if place is None:
        return None
    data = read(place, _SEARCHED)
    at = data.find(_MAGIC)
    while at % _ALIGNED and at >= 0:
        at = data.find(_MAGIC, at + 1)
    if at < 0 or len(data) < at + _HEADER_SIZE:
        return None
    try:
        texts = _texts(start, read, place + at, data[at : at + _HEADER_SIZE])
    except (ElfInvalid, struct.error):
        return None
    toolchain, modules = (text.decode(errors="replace") for text in texts)
    return GoBuild(toolchain=toolchain, text=modules) if toolchain else None


def _place(start: ElfStart, read: Read) -> int | None:
    """Where it has to be looked for: at the beginning of its section, or else of the data."""
    if (place := section_offset(read, _SECTION)) is not None:
        return place
    data = (
        one.offset for one in start.segments_of(LOAD) if one.flags & (_WRITE | _EXECUTE) == _WRITE
    )
    return next(data, None)


def _texts(start: ElfStart, read: Read, at: int, header: bytes) -> tuple[bytes, bytes]:
    """The toolchain and the modules; inline since Go 1.18, by pointers before."""
    pointer_size, flags = header[14], header[15]
    if flags & _INLINE:
        toolchain, end = _inline(read, at + _HEADER_SIZE)
        modules, _ = _inline(read, end)
    else:
        form = struct.Struct(
            (">" if flags & _BIG_ENDIAN else "<") + ("Q" if pointer_size == 8 else "I")
        )
        addresses = [form.unpack_from(header, _ALIGNED + index * form.size)[0] for index in (0, 1)]
        toolchain, modules = (_pointed(start, read, one, form) for one in addresses)
    is_guarded = len(modules) > 2 * _GUARD and modules[-_GUARD - 1 : -_GUARD] == b"\n"
    return toolchain, modules[_GUARD:-_GUARD] if is_guarded else b""


def _inline(read: Read, at: int) -> tuple[bytes, int]:
    """The text at `at`, behind its length, and where it ends."""
    length, shift = 0, 0
    for byte in read(at, 10):  # encoding/binary, MaxVarintLen64
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return _exactly(read, at, length), at + length


def _pointed(start: ElfStart, read: Read, address: int, form: struct.Struct) -> bytes:
    """The text of the string, a pointer and a length, that lies at `address`."""
    pair = _exactly(read, start.offset_of(address), 2 * form.size)
    text, length = (form.unpack_from(pair, at)[0] for at in (0, form.size))
    return _exactly(read, start.offset_of(text), length) if length else b""


def _exactly(read: Read, at: int, size: int) -> bytes:
    data = read(at, size) if size <= _TEXT_LIMIT else b""
    if len(data) < size:
        raise ElfInvalid("the file ends before what Go's linker announces")
    return data


def _unquoted(word: str) -> str:
    """A word as it was before Go put it in quotes (strconv.Quote, whose escapes JSON shares)."""
    if not _QUOTED.fullmatch(word):
        return word
    try:
        return str(json.loads(word))
    except ValueError:
        return word
