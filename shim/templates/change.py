"""What a deployment changes of a function, and by which of the two calls: yes, no, or unknown."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from shim.package.contents import Unreadable
from shim.templates.value import Reference, Unknown, leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shim.package.packages import Packages
    from shim.package.read import Entry, Package
    from shim.templates.model import Function, Layer, Template
    from shim.templates.value import Content

CODE = ("code", "architecture")
CONFIGURATION = ("runtime", "handler", "layers", "environment")
"""Of the settings that decide a start: which call carries them (docs/why/lambda.md)."""


class Changed(StrEnum):
    """Whether something changes."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A function as it is, and as it shall be."""

    old_side: Template
    new_side: Template
    old: Function
    new: Function
    packages: Packages

    @cached_property
    def changes(self) -> dict[str, Changed]:
        """By setting: whether it changes. What has the same unknown on both sides stays as it is.

        Only of the code a parameter is expected to bring another one each time.
        """
        plain = ("architecture", "runtime", "handler", "environment", "role", "dead_letter")
        found = {
            name: _compared(getattr(self.old, name).content, getattr(self.new, name).content)
            for name in plain
        }
        return {**found, "layers": self._layers(), "code": self._code(self.old, self.new)}

    def changed(self, *names: str) -> tuple[str, ...]:
        """Those of the settings that change, or may."""
        return tuple(name for name in names if self.changes[name] is not Changed.NO)

    def is_certain(self, *names: str) -> bool:
        """Whether one of the settings changes for certain."""
        return any(self.changes[name] is Changed.YES for name in names)

    @property
    def calls(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What the code call changes, and what the configuration call does."""
        return self.changed(*CODE), self.changed(*CONFIGURATION)

    @property
    def is_replaced(self) -> bool:
        """Whether it is another function: then nothing is between the two."""
        names = self.old.name.text, self.new.name.text
        return (
            None not in names and names[0] != names[1]
        ) or self.old.is_image != self.new.is_image

    def _layers(self) -> Changed:
        """Layers that the template makes change with what is in them."""
        old, new = self.old.layers.content, self.new.layers.content
        if not (isinstance(old, list) and isinstance(new, list) and len(old) == len(new)):
            return _compared(old, new)
        return _together(self._layer(*pair) for pair in zip(old, new, strict=True))

    def _layer(self, old: Content, new: Content) -> Changed:
        before, after = _layer(self.old_side, old), _layer(self.new_side, new)
        if before is None or after is None or not _is_one(before, after):
            return _compared(old, new)
        claims = (before.architectures.content, after.architectures.content)
        return _together((self._code(before, after), _compared(*claims)))

    def _code(self, old: Function | Layer, new: Function | Layer) -> Changed:
        """By the files where both are at hand; else by what says which code it is."""
        before, after = old.package, new.package
        is_same = before is not None and after is not None and before.samefile(after)
        if before is not None and after is not None and not is_same:
            return self._files(before, after)
        answer = _compared(old.code.content, new.code.content)
        # A path says nothing of what was deployed from it; for the same file, neither does another
        # way to write it, nor a key in S3 that the tool makes anew each time.
        is_open = is_same if answer is Changed.YES else new.is_local or bool(new.code.unknown)
        return Changed.UNKNOWN if is_open else answer

    def _files(self, old: Path, new: Path) -> Changed:
        before, after = self.packages.read(old), self.packages.read(new)
        return Changed.NO if have_same_files(before, after) else Changed.YES


def pairs_of(old: Template, new: Template, packages: Packages) -> Iterator[Pair]:
    """The functions that both sides have: by their id, else by their name."""
    by_name = {one.name.text: one for one in old.functions.values() if one.name.text}
    for function in new.functions.values():
        before = old.functions.get(function.id) or by_name.get(function.name.text or "")
        if before is not None:
            yield Pair(old_side=old, new_side=new, old=before, new=function, packages=packages)


def have_same_files(one: Package, other: Package) -> bool:
    """Whether they have the same files, by name, kind, run bits and bytes."""
    ours, theirs = _files_of(one), _files_of(other)
    if [_outline(entry) for entry in ours] != [_outline(entry) for entry in theirs]:
        return False
    try:
        return all(map(_have_same_bytes, ours, theirs))
    except Unreadable:
        return False


def _files_of(package: Package) -> list[Entry]:
    files = [entry for entry in package.entries if not stat.S_ISDIR(entry.kind)]
    return sorted(files, key=lambda entry: entry.name)


def _outline(entry: Entry) -> tuple[str, int, int, int]:
    return entry.name, entry.kind, entry.mode & 0o111, entry.size


def _have_same_bytes(one: Entry, other: Entry) -> bool:
    if one.crc32 is not None and other.crc32 is not None and one.crc32 != other.crc32:
        return False
    return one.whole() == other.whole()


def _compared(old: Content, new: Content) -> Changed:
    if old == new:
        return Changed.NO
    is_open = any(isinstance(one, Unknown) for side in (old, new) for one in leaves(side))
    return Changed.UNKNOWN if is_open else Changed.YES


def _together(answers: Iterable[Changed]) -> Changed:
    found = set(answers)
    return next((one for one in (Changed.YES, Changed.UNKNOWN) if one in found), Changed.NO)


def _is_one(old: Layer, new: Layer) -> bool:
    """Whether it is one resource: SAM makes another name of it whenever something in it changes."""
    return old.id == new.id or (old.place.steps[:2] == new.place.steps[:2] != ())


def _layer(side: Template, content: Content) -> Layer | None:
    return side.layers.get(content.id) if isinstance(content, Reference) else None
