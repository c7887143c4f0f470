"""Whether the dynamic linker finds what a program asks for, and in the versions it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.check.absent import left_open
from shim.check.findings import Finding, finding
from shim.check.library_hints import hint_of_library
from shim.check.runtimes import loader_of
from shim.check.search import Folder, Loaded, expand, folders
from shim.check.versions import check_versions
from shim.elf import SHARED, ElfInvalid
from shim.package.contents import Unreadable
from shim.package.executables import elf_linking, elf_start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.state import State
    from shim.check.tree import File, Tree

_FILES_LIMIT = 1000
"""Files of one program that are followed."""


def check_linking(tree: Tree, state: State, path: str, file: File) -> Iterator[Finding]:
    """What the runtime's linker lacks to start the program `file`, which really is at `path`."""
    try:
        linking = elf_linking(file.entry)
    except ElfInvalid as error:
        yield finding("elf-invalid", file.where, str(error), hint="build it, or copy it, once more")
        return
    except Unreadable as error:
        yield finding("entry-unreadable", file.where, str(error), hint="make the zip again")
        return
    program = Loaded(path=path, linking=linking, parent=None, where=file.where)
    loader = loader_of(state.arch)
    findings, _ = link(
        tree, state, program, Loaded(path=loader, linking=None, parent=program, where=loader)
    )
    yield from findings


def link(
    tree: Tree, state: State, program: Loaded, loader: Loaded
) -> tuple[list[Finding], list[Loaded]]:
    """What was found, and the libraries, when `loader` looks for what `program` needs."""
    findings: list[Finding] = []
    loaded = {loader_of(state.arch).rpartition("/")[2]: loader}
    queue = [program]
    for current in queue:
        for name in current.linking.needed if current.linking else ():
            if name in loaded or len(queue) > _FILES_LIMIT:
                continue
            found = _find(tree, state, current, name)
            if isinstance(found, Finding):
                findings.append(found)
                continue
            loaded[name] = found
            if found.linking and found.linking.soname:
                loaded.setdefault(found.linking.soname, found)
            queue.append(found)
    for current in queue:
        findings += _check_reports(current, state)
        findings += check_versions(current, loaded, state)
    return findings, queue[1:]


def _find(tree: Tree, state: State, file: Loaded, name: str) -> Loaded | Finding:
    """The library that the linker takes for a name that `file` needs."""
    certain: Loaded | Finding | None = None
    doubtful: Loaded | Finding | None = None
    for candidate in _candidates(tree, state, file, name):
        found = _load(tree, state, file, candidate.path)
        if found is not None and candidate.is_certain:
            certain = found
            break
        doubtful = doubtful or found
    if doubtful is None:
        return certain or _missing(tree, state, file, name)
    if isinstance(certain, Loaded) and isinstance(doubtful, Loaded):
        return certain
    where = doubtful.where if isinstance(doubtful, Loaded) else doubtful.location
    return finding(
        "library-unknown",
        file.where,
        f"needs `{name}`, and finds `{where}` on some of Lambda's machines only",
        hint="put the library itself, not only one for some processors, into the package's `lib`",
    )


def _candidates(tree: Tree, state: State, file: Loaded, name: str) -> Iterator[Folder]:
    """The paths at which the linker tries to open a library, in its order."""
    origin = file.path.rpartition("/")[0] or "/"
    for word in expand(name, origin=origin, state=state):
        if "/" in word.path:
            yield word
            continue
        for folder in folders(tree, state, file):
            yield Folder(f"{folder.path}/{word.path}", word.is_certain and folder.is_certain)


def _load(tree: Tree, state: State, needing: Loaded, path: str) -> Loaded | Finding | None:
    """What the linker makes of a path; None for what it passes over."""
    node = tree.find(path)
    if isinstance(node, int) or not node.is_readable:
        return None
    if node.is_folder:
        return _broken(node.file.where if node.file else path, needing, "it is a folder")
    if node.file is not None:
        return _load_file(state, needing, node.file, path)
    if node.path.rpartition("/")[2] in state.runtime.listing(state.arch).libraries:
        return Loaded(path=node.path, linking=None, parent=needing, where=node.path)
    return None


def _load_file(state: State, needing: Loaded, file: File, path: str) -> Loaded | Finding | None:
    """The library `file` of a package; None where it is another machine's."""
    try:
        start = elf_start(file.entry)
        if not start.is_64_bit or start.machine != state.arch.elf_machine:
            return None
        if start.type == SHARED and start.segments and start.end <= file.entry.size:
            linking = elf_linking(file.entry)
            return Loaded(path=path, linking=linking, parent=needing, where=file.where)
        problem = "it is cut off" if start.type == SHARED else "it is not a shared library"
    except (ElfInvalid, Unreadable) as error:
        problem = str(error)
    return _broken(file.where, needing, problem)


def _broken(where: str, needing: Loaded, problem: str) -> Finding:
    return finding(
        "library-broken",
        where,
        f"is needed by `{needing.where}` and can't be loaded: {problem}",
        hint="build it, or copy it, once more",
    )


def _missing(tree: Tree, state: State, file: Loaded, name: str) -> Finding:
    missing = finding(
        "library-missing",
        file.where,
        f"needs `{name}`, which is neither in {state.runtime.name} nor where the linker looks"
        " in the package or the layers",
        hint=hint_of_library(tree, state, name),
    )
    # LD_LIBRARY_PATH has a folder of the layers'.
    return left_open(state, missing)


def _check_reports(file: Loaded, state: State) -> Iterator[Finding]:
    """What the image has and production, when somebody looked, had not."""
    name = file.path.rpartition("/")[2]
    for report in state.runtime.reports if file.linking is None and file.parent else ():
        if name in report.missing and file.parent:
            yield finding(
                "runtime-older",
                file.parent.where,
                f"needs `{name}`, which the image of {state.runtime.image} has, and which was"
                f" missing in production on {report.day}",
                hint="link it statically, or bring it along in the package's `lib` folder",
            )
