"""What can be said of packages, layers and the runtime before anything is started."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from shim.check.findings import Finding, finding, location
from shim.check.runtimes import read_service
from shim.check.tree import NAME_LIMIT, OPT, PATH_LIMIT, TASK
from shim.package.contents import Unreadable
from shim.package.kept import kept
from shim.package.limits import format_size, read_limits
from shim.package.manifest import MANIFEST, manifest_problem
from shim.package.names import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from shim.check.state import State
    from shim.package.read import Entry, Package

_NEAR = 0.9
"""Of the unzipped size: from here on a warning."""

_SOON_DAYS = 180
_SHOWN = 5
_INSIDE = (TASK, OPT, "/tmp")  # noqa: S108 - a function's own folder, never opened here


def check_sizes(state: State) -> Iterator[Finding]:
    """Sizes against Lambda's limits, and how much is left."""
    limits = read_limits()
    for package in (state.package, *state.layers):
        if package.zipped is not None and package.zipped > limits.direct_upload:
            yield finding(
                "zip-large",
                package.path,
                f"has {format_size(package.zipped)}, a direct upload at most"
                f" {format_size(limits.direct_upload)}",
                hint="upload it to S3 and name that to Lambda",
            )
    size = unzipped_size(state.package, *state.layers)
    if size > limits.unzipped:
        yield finding(
            "unzipped-large",
            state.package.path,
            f"unpacks, with its layers, to {format_size(size)}, Lambda takes"
            f" {format_size(limits.unzipped)}",
            hint="strip the programs (`strip`, Go: `-ldflags=-s`), leave out what isn't needed",
        )
    elif size > _NEAR * limits.unzipped:
        yield finding(
            "unzipped-near",
            state.package.path,
            f"unpacks, with its layers, to {format_size(size)}:"
            f" {format_size(limits.unzipped - size)} are left",
            hint="strip the programs (`strip`, Go: `-ldflags=-s`), leave out what isn't needed",
        )
    if len(state.layers) > read_service().layers:
        yield finding(
            "layers-many",
            "Layers",
            f"there are {len(state.layers)}, Lambda takes {read_service().layers}",
            hint="merge layers",
        )


def check_manifests(state: State) -> Iterator[Finding]:
    """Manifests that are passed over: not as shim writes them, or not true."""
    for package in (state.package, *state.layers):
        if problem := manifest_problem(package):
            yield finding(
                "manifest-invalid",
                location(package, MANIFEST),
                f"is skipped: {problem}",
                hint="make the package with `shim pack`, or leave the file out",
            )


def check_runtime(state: State, day: date) -> Iterator[Finding]:
    """The runtime's dates, as they stand on `day`."""
    runtime = state.runtime
    if runtime.support_ends and day > runtime.support_ends:
        yield _dated("runtime-ended", state, f"support ended on {runtime.support_ends}")
    elif runtime.support_ends and (runtime.support_ends - day).days <= _SOON_DAYS:
        yield _dated("runtime-ending", state, f"support ends on {runtime.support_ends}")
    for what, since in (("created", runtime.create_blocked), ("updated", runtime.update_blocked)):
        if since and day >= since:
            sentence = f"functions can't be {what} with it since {since}"
            yield _dated("runtime-blocked", state, sentence)


def check_entries(state: State) -> Iterator[Finding]:
    """Names, kinds and links of everything in the package and the layers."""
    for package in (state.package, *state.layers):
        yield from _check_package(package)


def check_absent_layers(state: State) -> Iterator[Finding]:
    """Layers that nobody has looked into: an extension in one of them may not start."""
    if state.absent_layers:
        names = ", ".join(f"`{name}`" for name in state.absent_layers)
        yield finding(
            "layers-absent",
            "Layers",
            f"{'are' if len(state.absent_layers) > 1 else 'is'} not at hand: {names}",
            hint="give each one's zip, in this order: `--layer ZIP`",
        )


RULES: tuple[Callable[[State], Iterator[Finding]], ...] = (
    check_entries,
    check_manifests,
    check_sizes,
    check_absent_layers,
)


def unzipped_size(*packages: Package) -> int:
    """Bytes that a package and its layers have, unpacked."""
    return sum(package.size for package in packages)


def _dated(code: str, state: State, sentence: str) -> Finding:
    hint = "change to provided.al2023"
    return finding(code, state.runtime.name, sentence, hint=hint)


@kept
def _check_package(package: Package) -> tuple[Finding, ...]:
    checks = (
        ("name-absolute", _is_absolute, "its name is absolute", "make the zip from relative names"),
        ("name-parent", _has_parent, "its name has a part `..`", "make the zip inside its folder"),
        ("name-long", _is_long, "its name is longer than Linux takes", "give it a shorter name"),
        (
            "name-backslash",
            _has_backslash,
            "its name has a backslash, which doesn't separate folders on Linux",
            "make the zip with a tool that writes `/`: `shim pack`",
        ),
        (
            "entry-special",
            _is_special,
            "is neither a file nor a folder nor a link",
            "leave it out",
        ),
        (
            "link-outside",
            _leads_outside,
            "is a link that leads out of the package",
            "put the file itself into the package",
        ),
        ("entry-unreadable", _is_unreadable, "can't be unpacked", "make the zip again"),
        ("entry-doubtful", _is_doubtful, "not every unpacker takes it", "make the zip again"),
        (
            "folder-closed",
            _is_closed,
            "Lambda runs a function as a user who may not enter it",
            "`chmod 755` it before it is packed, or pack it with `shim pack`, which sets modes",
        ),
    )
    findings: list[Finding] = []
    for code, applies, sentence, hint in checks:
        entries = [entry for entry in package.entries if applies(entry)]
        findings += _limited(package, code, entries, sentence=sentence, hint=hint)
    return (*findings, *_check_names(package), *_check_zip(package))


def _check_names(package: Package) -> Iterator[Finding]:
    """Names that stand in each other's way."""
    names: dict[str, Entry] = {}
    folded: dict[str, str] = {}
    twice, conflicts, cases = [], [], []
    for entry in package.entries:
        name = "/".join(parts_of(entry.name))
        if name in names and not (_is_folder(entry) and _is_folder(names[name])):
            twice.append(entry)
        elif folded.setdefault(name.casefold(), name) != name:
            cases.append(entry)
        names[name] = entry
    files = {name for name, entry in names.items() if not _is_folder(entry)}
    for name, entry in names.items():
        parent = name.rpartition("/")[0]
        while parent:
            if parent in files:
                conflicts.append(entry)
                break
            parent = parent.rpartition("/")[0]
    yield from _limited(
        package,
        "name-twice",
        twice,
        sentence="its name is there twice: which one counts depends on what unpacks it",
        hint="make the zip again, into a new file (`zip` adds to an old one)",
    )
    yield from _limited(
        package,
        "name-conflict",
        conflicts,
        sentence="it needs a folder where the package has a file or a link",
        hint="give one of the two another name",
    )
    yield from _limited(
        package,
        "name-case",
        cases,
        sentence="its name differs from another's only in upper and lower case",
        hint="Lambda tells them apart, a Mac or Windows does not: give one another name",
    )


def _check_zip(package: Package) -> Iterator[Finding]:
    """What the zip as a whole says that isn't so."""
    hint = "make the zip again"
    if package.problem:
        yield finding("zip-contradictory", package.path, package.problem, hint=hint)
    if package.doubt:
        yield finding("zip-doubtful", package.path, package.doubt, hint=hint)


def _limited(
    package: Package, code: str, entries: Iterable[Entry], *, sentence: str, hint: str
) -> Iterator[Finding]:
    """A finding for each of the first entries; the last one says how many more there are."""
    entries = list(entries)
    for index, entry in enumerate(entries[:_SHOWN]):
        more = len(entries) - _SHOWN if index == _SHOWN - 1 else 0
        reasons = {"entry-unreadable": entry.problem, "entry-doubtful": entry.doubt}
        reason = f" ({reasons[code]})" if reasons.get(code) else ""
        tail = f" (and {more:,} more like it)" if more > 0 else ""
        yield finding(code, location(package, entry.name), f"{sentence}{reason}{tail}", hint=hint)


def _is_folder(entry: Entry) -> bool:
    return stat.S_ISDIR(entry.kind)


def _is_absolute(entry: Entry) -> bool:
    return entry.name.startswith("/")


def _has_parent(entry: Entry) -> bool:
    return ".." in entry.name and ".." in entry.name.split("/")


def _is_long(entry: Entry) -> bool:
    raw = entry.name.encode(errors="surrogateescape")
    if len(raw) <= NAME_LIMIT:
        return False
    return len(raw) >= PATH_LIMIT - len(TASK) or any(
        len(part) > NAME_LIMIT for part in raw.split(b"/")
    )


def _has_backslash(entry: Entry) -> bool:
    return "\\" in entry.name


def _is_special(entry: Entry) -> bool:
    return not (stat.S_ISREG(entry.kind) or _is_folder(entry) or stat.S_ISLNK(entry.kind))


def _is_unreadable(entry: Entry) -> bool:
    return entry.problem is not None


def _is_doubtful(entry: Entry) -> bool:
    return entry.doubt is not None


def _is_closed(entry: Entry) -> bool:
    return _is_folder(entry) and not entry.mode & 0o001


def _leads_outside(entry: Entry) -> bool:
    """By its text alone; where a link of `bootstrap` or a handler really leads, the start shows."""
    if not stat.S_ISLNK(entry.kind):
        return False
    try:
        target = entry.read(0, PATH_LIMIT).decode(errors="surrogateescape")
    except Unreadable:
        return True
    if target.startswith("/"):
        return not any(target == root or target.startswith(f"{root}/") for root in _INSIDE)
    depth = len(parts_of(entry.name)) - 1
    for part in parts_of(target):
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False
