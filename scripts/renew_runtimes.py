#!/usr/bin/env python3
"""Reads runtimes' container images, and renews what shim/check has of those that moved.

    scripts/renew_runtimes.py RUNTIME...

An image has moved where it has another digest than in shim/check/runtimes.toml, for any of the
runtime's architectures. What it has is then written there and into shim/check/listings, in the
place of what was known before; all other lines stay, what was seen in production among them.
Prints what moved, as Markdown: nothing where nothing did, and then no file is touched.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit
from read_runtime import opened

import shim.check
from shim.check.listing import format_listing
from shim.check.root import read_root
from shim.check.runtimes import BASH, known_runtime
from shim.errors import InputError, ShimError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from shim.arch import Arch
    from shim.check.runtimes import Runtime

_DATA = Path(shim.check.__file__).parent
_RUNTIMES = _DATA / "runtimes.toml"
_SOURCE = "image-read"
_SOURCE_TEXT = "read by scripts/renew_runtimes.py in the image that `container` and `digests` name"
_NOT_READ = ("programs", "more_versions", "unversioned")
"""What stands in for an image that nobody has read: its listings say it better."""
_NAMES_LIMIT = 20


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runtimes", nargs="+", metavar="RUNTIME", help="by its name there")
    today = datetime.now(UTC).date()
    try:
        for name in parser.parse_args().runtimes:
            sys.stdout.writelines(f"{line}\n" for line in _renew(known_runtime(name), today))
    except ShimError as error:
        sys.exit(f"error: {error}")
    return 0


def _renew(old: Runtime, today: date) -> list[str]:
    """Write what the runtime's image has, where it moved; gives what that changes."""
    document = tomlkit.parse(_RUNTIMES.read_text(encoding="utf-8"))
    table = document["runtime"][old.name]
    if "container" not in table or "listing" not in table:
        raise InputError(f"not a runtime with an image and listings of its own: {old.name}")
    read, digests = _read(old, today)
    if digests == old.digests:
        return []
    _renew_table(table, list(read.values()), digests, today)
    document["sources"][_SOURCE] = _SOURCE_TEXT
    said = [f"### {old.name}", "", f"`{old.container}`, read on {today}", ""]
    said += [*_changes(old, read, digests), ""]
    for arch, runtime in read.items():
        file = _DATA / "listings" / f"{table['listing']}-{arch}.txt"
        _write(file, format_listing(runtime.listing(arch)))
    # Last: until then the digests say that it has moved.
    _write(_RUNTIMES, _tidy(document))
    return said


def _read(old: Runtime, today: date) -> tuple[dict[Arch, Runtime], dict[Arch, str]]:
    """The image as it is now, and its digest, for each architecture."""
    read, digests = {}, {}
    for arch in sorted(old.architectures):
        with opened(old.container, arch) as (root, digest):
            read[arch], digests[arch] = read_root(root, day=today, name=old.name), digest
        if arch not in read[arch].architectures:
            raise InputError(f"the image has no glibc for {arch}: {old.container}")
    if len({(one.merged_usr, one.library_folders, one.shell) for one in read.values()}) > 1:
        raise InputError(f"each architecture has folders of its own: {old.container}")
    return read, digests


def _renew_table(table: Any, read: list[Runtime], digests: dict[Arch, str], today: date) -> None:
    """Put what was read in the place of what was known, each line with its source."""
    for key in _NOT_READ:
        table.pop(key, None)
    _set(table, "merged_usr", read[0].merged_usr, today)
    _set(table, "library_folders", list(read[0].library_folders), today)
    if read[0].shell != BASH or "shell" in table:
        _set(table, "shell", read[0].shell, today)
    _set(table, "listing", str(table["listing"]), today)
    _set(table, "image", today, today)
    inline = tomlkit.inline_table()
    inline.update(digests)
    _set(table, "digests", inline, today)
    table["versions"].clear()
    for kind in sorted(set.intersection(*(set(one.versions) for one in read))):
        oldest = min(read, key=lambda one: one.versions[kind])
        _set(table["versions"], kind, oldest.version(kind), today)


def _set(table: Any, key: str, value: Any, today: date) -> None:
    item = tomlkit.item(value)
    item.comment(f"{_SOURCE} {today:%Y-%m}")
    table[key] = item


def _tidy(document: tomlkit.TOMLDocument) -> str:
    """The file without sources that nothing comes from any more, and without double gaps."""
    data = document.as_string().partition("[sources]")[0]
    for name in list(document["sources"]):
        if not re.search(rf" {re.escape(name)} \d{{4}}-\d\d", data):
            del document["sources"][name]
    return re.sub(r"\n{3,}", "\n\n", document.as_string())


def _changes(old: Runtime, read: dict[Arch, Runtime], digests: dict[Arch, str]) -> Iterator[str]:
    """A line for each thing that is another one now."""
    for arch, new in read.items():
        yield f"- {arch}: {old.digests.get(arch, 'never read')} → {digests[arch]}"
        for kind in sorted(new.versions):
            before = old.version(kind) if kind in old.versions else "unknown"
            if before != new.version(kind):
                yield f"  - {kind} {before} → {new.version(kind)}"
        programs, libraries = new.programs(arch), new.listing(arch).libraries
        had = old.listing(arch).libraries
        others = [
            name
            for name in libraries.keys() & had.keys()
            if had[name] is not None and had[name] != libraries[name]
        ]
        yield from _named("new programs", programs - old.programs(arch))
        yield from _named("programs that are gone", old.programs(arch) - programs)
        yield from _named("new libraries", libraries.keys() - had.keys())
        yield from _named("libraries that are gone", had.keys() - libraries.keys())
        yield from _named("libraries with other symbol versions", others)


def _named(what: str, names: Collection[str]) -> Iterator[str]:
    """So many of them that a pull request takes the text."""
    if names:
        more = len(names) - _NAMES_LIMIT
        shown = ", ".join(f"`{name}`" for name in sorted(names)[:_NAMES_LIMIT])
        yield f"  - {what}: {shown}{f' and {more} more' if more > 0 else ''}"


def _write(file: Path, text: str) -> None:
    """Whoever reads the file has the old text or the new one."""
    with tempfile.TemporaryDirectory(prefix=".renew-", dir=file.parent) as folder:
        part = Path(folder, file.name)
        part.write_text(text, encoding="utf-8")
        part.replace(file)


if __name__ == "__main__":
    sys.exit(main())
