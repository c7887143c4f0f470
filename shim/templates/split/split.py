"""A dangerous deployment as several: each changes one call of a function, through what starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.check.verdict import Answer
from shim.errors import InputError
from shim.templates.model import Format
from shim.templates.split.applies import write_applies
from shim.templates.split.folder import new_folder
from shim.templates.split.places import Places
from shim.templates.split.sheets import Writer, sheets_of
from shim.templates.split.ways import find_ways

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shim.templates.comparison import Comparison
    from shim.templates.read import Side
    from shim.templates.split.places import Upload
    from shim.templates.split.ways import Passage, Way


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What one deployment does to a function."""

    passage: Passage
    behind: int
    """How many of its own deployments it then has behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One of several."""

    number: int
    files: tuple[str, ...]
    """In the split's folder: the templates, or the apply."""
    moves: tuple[Move, ...]
    """None of a function that goes whole with the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """All of it."""

    folder: Path
    ways: tuple[Way, ...]
    deployments: tuple[Deployment, ...] = ()
    """Empty where there is none, or where one does it."""
    uploads: tuple[Upload, ...] = ()

    def stuck(self, *, allow_unknown: bool) -> tuple[Way, ...]:
        """The functions that keep it from being made."""
        fine = {Answer.STARTS, Answer.UNKNOWN} if allow_unknown else {Answer.STARTS}
        return tuple(one for one in self.ways if one.answer not in fine)


def split(
    old: Side, new: Side, comparison: Comparison, folder: Path, *, allow_unknown: bool
) -> Split:
    """Find how each function gets through, and write it where all do; else nothing is written."""
    found = Split(folder=folder, ways=find_ways(comparison, folder))
    count = max((one.count for one in found.ways), default=0)
    if found.stuck(allow_unknown=allow_unknown) or count < 2:
        return found
    ways = tuple(one.passage for one in found.ways if one.passage)
    _check_apart(folder, ways)
    with new_folder(folder) as temporary:
        places = Places(ways, temporary)
        files: list[tuple[int, str]]
        if new.template.format is Format.PLAN:
            files = list(write_applies(ways, count, temporary))
        else:
            files = [
                one
                for sheet in sheets_of(old, new, ways)
                for one in Writer(
                    sheet=sheet,
                    sides=(old, new),
                    count=count,
                    target=folder,
                    temporary=temporary,
                    places=places,
                ).write()
            ]
    deployments = tuple(
        Deployment(
            number=number,
            files=tuple(name for at, name in files if at == number),
            moves=tuple(
                Move(passage=one, behind=behind)
                for one in ways
                if (behind := one.behind(number, count))
            ),
        )
        for number in range(1, count + 1)
    )
    return replace(found, deployments=deployments, uploads=places.uploads)


def _check_apart(folder: Path, ways: Iterable[Passage]) -> None:
    """What lies in a package would be deployed with it, and the folder has nothing else in it."""
    whole = folder.resolve()
    for way in ways:
        for function in (way.deployed.pair.old, way.deployed.pair.new):
            if function.package is None:
                continue
            code = function.package.resolve()
            if whole.is_relative_to(code):
                sentence = f"the folder would be in the code of {way.id}"
            elif code.is_relative_to(whole):
                sentence = f"the code of {way.id} lies in the folder"
            else:
                continue
            raise InputError(
                f"{sentence}: `{folder}`, `{function.package}`", hint="name another folder"
            )
