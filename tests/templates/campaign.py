"""Templates that others wrote, read from a folder: what is resolved, unknown and refused.

    python -m tests.templates.campaign FOLDER [REGION ACCOUNT STACK]

Every YAML and JSON file with a Lambda function in it counts; each is also compared with itself,
which must find no change of a setting. A traceback ends it. What was found is in
docs/why/checked.md.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import ShimError
from shim.package.packages import Packages
from shim.templates.between import Judge
from shim.templates.comparison import compare
from shim.templates.edit import Edit, edited
from shim.templates.project import Folder
from shim.templates.read import Reader
from shim.templates.resolve import Given
from shim.templates.source import read_source
from shim.templates.value import Unknown, leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.templates.model import Function, Template
    from shim.templates.value import Value

SUFFIXES = {".yaml", ".yml", ".json", ".template"}
FUNCTIONS = ("AWS::Lambda::Function", "AWS::Serverless::Function")
MARKS = tuple(name.encode() for name in FUNCTIONS)
SETTINGS = ("runtime", "handler", "architecture", "layers", "environment", "role", "code")
DAY = date(2026, 11, 1)


@dataclass(kw_only=True)
class Found:
    """What was counted."""

    templates: int = 0
    functions: int = 0
    known: int = 0
    unknown: int = 0
    consumers: int = 0
    qualified: int = 0
    unclear: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    written: int = 0
    unwritten: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")


def files(folder: Path) -> Iterator[Path]:
    """Those that count, each text once."""
    seen = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        data = path.read_bytes()
        if any(mark in data for mark in MARKS) and data not in seen:
            seen.add(data)
            yield path


def read_folder(folder: Path, given: Given) -> Found:
    """All of a folder's templates."""
    found = Found()
    for path in files(folder):
        begin = time.process_time()
        try:
            template = Reader(project=Folder(root=folder), given=given).read_one(path)
        except ShimError as error:
            found.refused[_reason(error.message)] += 1
            continue
        _count(found, template)
        _write(found, path)
        found.changed += _changes(template)
        found.slowest = max(found.slowest, (time.process_time() - begin, str(path)))
    return found


def _count(found: Found, template: Template) -> None:
    found.templates += 1
    found.functions += len(template.functions)
    for function in template.functions.values():
        for value in _settings(function):
            unknown = [one for one in leaves(value.content) if isinstance(one, Unknown)]
            found.unknown += bool(unknown)
            found.known += not unknown
            found.causes.update({f"{one.cause}: {_kind(one.reason)}" for one in unknown})
    for consumer in template.consumers:
        found.consumers += 1
        found.unclear += isinstance(consumer.qualifier, Unknown)
        found.qualified += not consumer.is_unqualified


def _write(found: Found, path: Path) -> None:
    """Two properties into each function of a file, as `--fix` does it."""
    try:
        resources = read_source(str(path), path.read_bytes()).data["Resources"]
    except (ShimError, TypeError, KeyError):  # JSON that is read without lines, plans
        return
    edits = [
        Edit(path=("Resources", name, "Properties", *last), value=value)
        for name, one in resources.items()
        if isinstance(one, dict) and one.get("Type") in FUNCTIONS and one.get("Properties")
        for last, value in ((("Architectures",), ["arm64"]), (("AutoPublishAlias",), "live"))
    ]
    if not edits:
        return
    try:
        edited(str(path), path.read_bytes(), edits)
        found.written += len(edits)
    except ShimError as error:
        found.unwritten.append(error.message)


def _settings(function: Function) -> Iterator[Value]:
    return (getattr(function, name) for name in SETTINGS)


def _changes(template: Template) -> Iterator[str]:
    """What is said to change although it is the same."""
    packages = Packages()
    for one in compare(template, template, Judge(packages, {}, day=DAY), packages).deployed:
        wrong = [name for name in one.pair.changes if one.pair.is_certain(name)]
        if wrong:
            yield f"{template.name} {one.pair.new.id}: {', '.join(wrong)}"


def _kind(reason: str) -> str:
    """A reason without the template's own names."""
    return re.sub(r"`(?!AWS::|Fn::)[^`]*`", "...", reason)


def _reason(message: str) -> str:
    """A refusal without the file and the line."""
    sentence = message.partition(": ")[2]
    parts = [one for one in sentence.split(": ") if not one.startswith("line ")]
    return parts[0]


def main(words: list[str]) -> int:
    """Read the folder that is named, print what was found."""
    if len(words) not in {1, 4}:
        print(__doc__)
        return 2
    folder, *names = words
    region, account, stack = names or (None, None, None)
    found = read_folder(Path(folder), Given(region=region, account=account, stack=stack))
    print(f"{found.templates:,} templates, {found.functions:,} functions")
    total = found.known + found.unknown
    print(f"settings: {found.known:,} of {total:,} resolved, {found.unknown:,} unknown in part")
    print(
        f"consumers: {found.consumers:,}, {found.qualified:,} with a qualifier,"
        f" {found.unclear:,} with one that is unknown"
    )
    for cause, count in found.causes.most_common(15):
        print(f"  {count:5,}  {cause}")
    print(f"refused: {found.refused.total():,}")
    for reason, count in found.refused.most_common(10):
        print(f"  {count:5,}  {reason}")
    print(f"written: {found.written:,}; {len(found.unwritten):,} files refused")
    for wrong in found.unwritten[:10]:
        print(f"  {wrong}")
    print(f"slowest: {found.slowest[0]:.2f} s of CPU, {found.slowest[1]}")
    for wrong in found.changed:
        print(f"changes against itself: {wrong}")
    return 1 if found.changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
