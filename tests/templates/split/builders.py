"""Deployments to be split: templates and packages in a folder, and what `--split` makes of them."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.package.packages import Packages
from shim.templates.between import Judge
from shim.templates.comparison import compare
from shim.templates.project import Folder
from shim.templates.read import Reader
from shim.templates.split.split import Split, split
from tests.check.builders import launcher, program
from tests.plan.builders import zipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DAY = date(2026, 11, 28)
X86, ARM = Arch.X86_64, Arch.ARM64
GO = {"orders": program(mark=b"old")}
"""A program alone, as `go1.x` has it."""

OWN = {"bootstrap": program(mark=b"new")}
"""A program that Lambda starts by itself."""

ON_X86 = {"bootstrap": launcher(), "orders": program(mark=b"x")}
ON_ARM = {"bootstrap": launcher(ARM), "orders": program(ARM)}


def put(folder: Path, packages: Mapping[str, Mapping[str, bytes]]) -> None:
    """Write packages: zips where the name says so, else folders."""
    for name, files in packages.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".zip":
            zipped(path, files)
            continue
        for inner, data in files.items():
            (path / inner).parent.mkdir(parents=True, exist_ok=True)
            (path / inner).write_bytes(data)
            (path / inner).chmod(0o755)


def split_files(
    folder: Path,
    old: str,
    new: str,
    *,
    layers: Mapping[str, Path] | None = None,
    allow_unknown: bool = False,
) -> Split:
    """The split of two files or folders in `folder`, into `folder/out`."""
    reader = Reader(project=Folder(root=folder))
    if old == new:
        sides = reader.read_sides(folder / old)
    else:
        sides = reader.read_side(folder / old), reader.read_side(folder / new)
    packages = Packages()
    judge = Judge(packages, layers or {}, day=DAY)
    comparison = compare(sides[0].template, sides[1].template, judge, packages)
    return split(*sides, comparison, folder / "out", allow_unknown=allow_unknown)


def steps(done: Split) -> list[str]:
    """The texts of all of its files but zips, in their order."""
    names = [name for one in done.deployments for name in one.files]
    return [(done.folder / name).read_text() for name in names]


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that differ, each with what stands in its place."""
    ours, theirs = before.splitlines(), after.splitlines()
    assert len(ours) == len(theirs)
    return [pair for pair in zip(ours, theirs, strict=True) if pair[0] != pair[1]]


def indented(data: Any) -> str:
    return json.dumps(data, indent=2)
