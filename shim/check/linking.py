"""Whether the dynamic linker finds what a program asks for: glibc's search (ld.so(8))."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.check.findings import Finding, finding
from shim.check.runtimes import Runtime, read_service
from shim.check.tree import File, Node, Tree
from shim.elf import ElfInvalid
from shim.elf_linking import SHARED
from shim.package.executables import elf_linking, elf_start
from shim.package.read import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.check.state import State
    from shim.elf_linking import Linking

_FILES_LIMIT = 1000
"""Files of one program that are followed."""

_RELR = "GLIBC_ABI_DT_RELR"
_RELR_SINCE = (2, 36)  # glibc's NEWS for 2.36
_KINDS = {
    "GLIBC": ("glibc-too-new", "glibc"),
    "GLIBCXX": ("libstdcxx-too-new", "libstdc++"),
    "CXXABI": ("libstdcxx-too-new", "libstdc++"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loaded:
    """A file that the linker has mapped; `linking` is None for the runtime's own."""

    path: str
    linking: Linking | None
    parent: _Loaded | None
    where: str


def check_linking(tree: Tree, state: State, path: str, file: File) -> Iterator[Finding]:
    """What the dynamic linker lacks to start the program `file`, which really is at `path`."""
    try:
        linking = elf_linking(file.entry)
    except (ElfInvalid, Unreadable) as error:
        yield finding("elf-invalid", file.where, str(error), hint="build it, or copy it, once more")
        return
    first = _Loaded(path=path, linking=linking, parent=None, where=file.where)
    loaded: dict[str, _Loaded] = {}
    queue = [first]
    for current in queue:
        for name in current.linking.needed if current.linking else ():
            if name in loaded or len(queue) > _FILES_LIMIT:
                continue
            found = _search(tree, state, current, name)
            if isinstance(found, Finding):
                yield found
                continue
            loaded[name] = found
            queue.append(found)
    for current in queue:
        yield from _check_versions(current, loaded, state.runtime)


def _search(tree: Tree, state: State, file: _Loaded, name: str) -> _Loaded | Finding:
    own = set(state.runtime.folders(state.arch))
    if name == state.runtime.loader(state.arch).rpartition("/")[2]:
        loader = state.runtime.loader(state.arch)
        return _Loaded(path=loader, linking=None, parent=file, where=loader)
    folders = [""] if "/" in name else _folders(state, file)
    for folder in folders:
        path = f"{folder}/{name}" if folder else name
        if folder in own and name in state.runtime.libraries:
            return _Loaded(path=path, linking=None, parent=file, where=path)
        found = tree.find(path)
        if isinstance(found, Node) and found.file is not None and found.is_readable:
            result = _load(state, file, found.file, path)
            if result is not None:
                return result
    return finding(
        "library-missing",
        file.where,
        f"needs `{name}`, which is neither in {state.runtime.name} nor where the linker looks"
        " in the package or the layers",
        hint="link it statically, or put it into the package's `lib` folder, which is on"
        " LD_LIBRARY_PATH",
    )


def _load(state: State, needing: _Loaded, file: File, path: str) -> _Loaded | Finding | None:
    """The library `file`, found at `path`; None where it is another machine's: passed over."""
    try:
        start = elf_start(file.entry)
        if not start.is_64_bit or start.machine != state.arch.elf_machine:
            return None
        if start.type == SHARED and start.segments and start.end <= file.entry.size:
            linking = elf_linking(file.entry)
            return _Loaded(path=path, linking=linking, parent=needing, where=file.where)
        problem = "it is cut off" if start.type == SHARED else "it is no shared library"
    except (ElfInvalid, Unreadable) as error:
        problem = str(error)
    return finding(
        "library-broken",
        file.where,
        f"is needed by `{needing.where}` and can't be loaded: {problem}",
        hint="build it, or copy it, once more",
    )


def _folders(state: State, file: _Loaded) -> Iterator[str]:
    """Where the linker looks for what `file` needs, in its order."""
    run_path = file.linking.run_path if file.linking else None
    if run_path is None:
        ancestor: _Loaded | None = file
        while ancestor is not None:
            if ancestor.linking and ancestor.linking.run_path is None:
                yield from _expand(ancestor.linking.old_run_path, ancestor.path)
            ancestor = ancestor.parent
    environment = state.variable("LD_LIBRARY_PATH", ":".join(read_service().library_path))
    if environment:
        yield from _expand(environment.replace(";", ":"), _main(file).path)
    yield from _expand(run_path, file.path)
    yield from state.runtime.folders(state.arch)


def _main(file: _Loaded) -> _Loaded:
    while file.parent is not None:
        file = file.parent
    return file


def _expand(text: str | None, path: str) -> Iterator[str]:
    """A path list's folders, for the file at `path`; an empty one is the working directory."""
    origin = path.rpartition("/")[0]
    for folder in text.split(":") if text is not None else ():
        path = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        if "$" not in path:
            yield (path.rstrip("/") or "/") if path else "."


def _check_versions(
    file: _Loaded, loaded: Mapping[str, _Loaded], runtime: Runtime
) -> Iterator[Finding]:
    """The symbol versions that `file` asks for and that what was found doesn't have."""
    too_new: dict[str, list[str]] = {}
    for library, versions in file.linking.versions.items() if file.linking else ():
        found = loaded.get(library)
        if found is None:
            continue
        if found.linking is None:
            for version in sorted(versions):
                if kind := _lacking_kind(version, runtime):
                    too_new.setdefault(kind, []).append(version)
        elif lacking := _lacking(versions, found.linking):
            yield finding(
                "library-version",
                file.where,
                f"asks `{library}` for {_listing(sorted(lacking))}, which `{found.where}` lacks",
                hint="put the library's version that it was built against into the package",
            )
    for kind, lacking_versions in too_new.items():
        code, library = _KINDS[kind]
        newest = max(lacking_versions, key=lambda version: _numbers(version) or (0,))
        has = f"{kind}_{runtime.version(kind)}"
        yield finding(
            code,
            file.where,
            f"wants {newest}, and {runtime.name} has {library} up to {has}",
            hint=_new_hint(code, runtime),
        )


def _lacking(versions: frozenset[str], linking: Linking) -> frozenset[str]:
    """What a library lacks of `versions`.

    glibc takes any version for there in a library that has versions for what it needs, but none of
    its own; in one without any it stops at an assertion (elf/dl-lookup.c, check_match).
    """
    if linking.has_versions and not linking.defines:
        return frozenset()
    return versions - linking.defines


def _new_hint(code: str, runtime: Runtime) -> str:
    if code == "glibc-too-new":
        return (
            "link it statically, or build it against an older glibc:"
            f" `zig cc -target …-linux-gnu.{runtime.version('GLIBC')}`"
        )
    return (
        "link libstdc++ statically (`-static-libstdc++`): the runtime's own comes before the"
        " package's on LD_LIBRARY_PATH"
    )


def _lacking_kind(version: str, runtime: Runtime) -> str | None:
    """The kind of a version that the runtime's library lacks; kinds that aren't known pass."""
    kind = version.rpartition("_")[0]
    if version == _RELR:
        return "GLIBC" if runtime.versions["GLIBC"] < _RELR_SINCE else None
    numbers = _numbers(version)
    if kind not in _KINDS or numbers is None:
        return None
    return kind if numbers > runtime.versions[kind] else None


def _numbers(version: str) -> tuple[int, ...] | None:
    try:
        return tuple(map(int, version.rpartition("_")[2].split(".")))
    except ValueError:
        return None


def _listing(names: list[str]) -> str:
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
