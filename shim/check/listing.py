"""Listings: the programs and libraries of a runtime's image, one a line, as they were read there.

`/usr/bin/env` is a program, `libz.so.1` a library. Symbol versions that a library defines follow
its name, `-` stands for none at all; where nothing follows, only the name is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.arch import Arch

_FOLDER = Path(__file__).with_name("listings")
_NONE = "-"


class DataInvalid(Exception):
    """The checker's own data hold what they may not: a mistake of ours, not of the user."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Listing:
    """What an image has."""

    programs: frozenset[str]
    """Absolute paths; where /bin is /usr/bin, those in /usr/bin."""
    libraries: Mapping[str, frozenset[str] | None]
    """By name, the symbol versions that each defines; None where they were not read."""


@cache
def read_listing(name: str, arch: Arch) -> Listing:
    """The listing of that name, for one architecture; raises `DataInvalid`."""
    return parse_listing((_FOLDER / f"{name}-{arch}.txt").read_text(encoding="utf-8"))


def parse_listing(text: str) -> Listing:
    """The listing that `text` is; raises `DataInvalid`."""
    programs: set[str] = set()
    libraries: dict[str, frozenset[str] | None] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, *versions = line.split() or ("",)
        if name.startswith("/") and not versions:
            programs.add(name)
        elif name and "/" not in name and name not in libraries:
            libraries[name] = frozenset(versions) - {_NONE} if versions else None
        else:
            raise DataInvalid(f"a line is neither program nor library, or there twice: `{line}`")
    return Listing(programs=frozenset(programs), libraries=libraries)


def format_listing(listing: Listing) -> str:
    """The text that `parse_listing` takes."""
    lines = sorted(listing.programs)
    for name, versions in sorted(listing.libraries.items()):
        known = () if versions is None else sorted(versions) or (_NONE,)
        lines.append(" ".join([name, *known]))
    return "".join(f"{line}\n" for line in lines)
