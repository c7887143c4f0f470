"""The file system that a function's processes see: /var/task, /opt, and the runtime's own files.

Paths are walked as Linux walks them: links, permissions for everybody (Lambda runs the function as
a user who owns nothing), and the same error numbers.
"""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shim.check.findings import location
from shim.check.runtimes import loader_of
from shim.package.contents import Unreadable
from shim.package.kept import kept

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from shim.arch import Arch
    from shim.check.runtimes import Runtime
    from shim.check.state import State
    from shim.package.read import Entry, Package

TASK, OPT = "/var/task", "/opt"

NAME_LIMIT = 255
PATH_LIMIT = 4096
"""Bytes of a name and of a path (Linux: NAME_MAX, PATH_MAX with the NUL)."""

_LINKS_LIMIT = 40
_FOUND_LIMIT = 10_000
"""Paths whose ends are kept; handlers ask again and again for the same libraries."""

_FOLDERS = {
    *("/", "/dev", "/etc", "/home", "/opt", "/proc", "/root", "/run", "/sys", "/usr"),
    "/tmp",  # noqa: S108 - a name that is looked up in a model
    *("/var", "/var/lang", "/var/runtime", "/var/task"),
    *("/bin", "/lib", "/lib64", "/sbin", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin"),
    *("/usr/local", "/usr/local/bin"),
}
_MERGED = {"/bin", "/sbin", "/lib", "/lib64"}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """An entry, and the package that it is in."""

    package: Package
    entry: Entry

    @property
    def where(self) -> str:
        """How people call it."""
        return location(self.package, self.entry.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """What a path leads to."""

    path: str
    """With all links followed."""
    is_folder: bool
    file: File | None = None
    """None for what is the runtime's, and for folders that are only parts of names."""

    @property
    def is_system(self) -> bool:
        """Whether it belongs to the runtime."""
        return self.file is None and not self.path.startswith((f"{TASK}/", f"{OPT}/"))

    @property
    def is_executable(self) -> bool:
        """Whether everybody may execute it."""
        return not self.is_folder and (self.file is None or bool(self.file.entry.mode & 0o001))

    @property
    def is_readable(self) -> bool:
        """Whether everybody may read it."""
        return self.file is None or bool(self.file.entry.mode & 0o004)


@dataclass(frozen=True, kw_only=True, slots=True)
class _System:
    """The runtime's own files, as far as they are known."""

    programs: frozenset[str]
    library_folders: frozenset[str]
    libraries: Collection[str]
    folders: frozenset[str]

    def has(self, path: str) -> bool:
        """Whether one of them is at a path."""
        folder, _, name = path.rpartition("/")
        is_library = folder in self.library_folders and name in self.libraries
        return is_library or path in self.programs


class Tree:
    """The files that the functions of a package find."""

    def __init__(
        self, package: Package, *, layers: Iterable[Package], runtime: Runtime, arch: Arch
    ) -> None:
        self._task = package.names
        self._package = package
        self._layers = tuple((layer, layer.names) for layer in reversed(tuple(layers)))
        self._merged = runtime.merged_usr
        self._system = _system(runtime, arch)
        self._found: dict[str, Node | int] = {}
        self.results: dict[Any, Any] = {}
        """What is worked out of it (`shim.package.kept`)."""

    @staticmethod
    def of(state: State) -> Tree:
        """The state's files: the same tree for each of a package's handlers."""
        return _tree(state.package, state.layers, runtime=state.runtime, arch=state.arch)

    def find(self, path: str) -> Node | int:
        """What `path` leads to, from /var/task; or the error number that a program would get."""
        node = self._found.get(path)
        if node is None:
            node = self._walk(path)
            if len(self._found) < _FOUND_LIMIT:
                self._found[path] = node
        return node

    def _walk(self, path: str) -> Node | int:
        if not path:
            return errno.ENOENT
        if _size(path) >= PATH_LIMIT:
            return errno.ENAMETOOLONG
        parts = path.split("/")[::-1]
        node = self._node("/" if path.startswith("/") else TASK)
        links = 0
        while parts and isinstance(node, Node):
            folder = node.path
            node = self._step(node, parts.pop())
            target = _link_target(node)
            if target is not None:
                links += 1
                if links > _LINKS_LIMIT or not target:
                    return errno.ELOOP if target else errno.ENOENT
                parts += target.split("/")[::-1]
                node = self._node("/" if target.startswith("/") else folder)
        return node

    def _step(self, node: Node, part: str) -> Node | int:
        """From a folder to what it has of that name; no link is followed."""
        if not node.is_folder:
            return errno.ENOTDIR
        if node.file is not None and not node.file.entry.mode & 0o001:
            return errno.EACCES
        if part in {"", "."}:
            return node
        if _size(part) > NAME_LIMIT:
            return errno.ENAMETOOLONG
        folder = node.path.rstrip("/")
        return self._node(folder.rpartition("/")[0] or "/" if part == ".." else f"{folder}/{part}")

    def entry(self, path: str) -> Entry | None:
        """The entry at a path of /var/task or /opt itself: no link is followed."""
        node = self._node(path)
        return node.file.entry if isinstance(node, Node) and node.file else None

    def children(self, folder: str) -> Iterator[Node]:
        """What lies directly in a layers' folder, sorted by name, links followed."""
        names = {name for layer, _ in self._layers for name in _in_folder(layer, folder)}
        for name in sorted(names):
            node = self.find(f"{OPT}/{name}")
            if isinstance(node, Node):
                yield node

    def _node(self, path: str) -> Node | int:
        if path.startswith(f"{TASK}/"):
            return _package_node(path, self._package, self._task, root=TASK) or errno.ENOENT
        if path.startswith(f"{OPT}/"):
            for layer, names in self._layers:
                if node := _package_node(path, layer, names, root=OPT):
                    return node
            return errno.ENOENT
        path = _real(path, is_merged=self._merged)
        if path in self._system.folders:
            return Node(path=path, is_folder=True)
        return Node(path=path, is_folder=False) if self._system.has(path) else errno.ENOENT


def _package_node(
    path: str, package: Package, names: Mapping[str, Entry | None], *, root: str
) -> Node | None:
    name = path[len(root) + 1 :]
    if name not in names:
        return None
    entry = names[name]
    return Node(
        path=path,
        is_folder=entry is None or stat.S_ISDIR(entry.kind),
        file=File(package=package, entry=entry) if entry else None,
    )


@kept
def _tree(package: Package, layers: tuple[Package, ...], *, runtime: Runtime, arch: Arch) -> Tree:
    return Tree(package, layers=layers, runtime=runtime, arch=arch)


@kept
def _in_folder(package: Package, folder: str) -> tuple[str, ...]:
    return tuple(name for name in package.names if name.rpartition("/")[0] == folder)


def _real(path: str, *, is_merged: bool) -> str:
    """The path where /bin, /lib and their like are links into /usr."""
    return f"/usr{path}" if is_merged and f"/{path[1:].partition('/')[0]}" in _MERGED else path


def _size(text: str) -> int:
    return len(text.encode(errors="surrogateescape"))


def _link_target(node: Node | int) -> str | None:
    """Where a link leads; None for what isn't a link, empty for one that can't be read."""
    if isinstance(node, int) or not node.file or not stat.S_ISLNK(node.file.entry.kind):
        return None
    try:
        return node.file.entry.read(0, PATH_LIMIT).decode(errors="surrogateescape")
    except Unreadable:
        return ""


@kept
def _system(runtime: Runtime, arch: Arch) -> _System:
    real = partial(_real, is_merged=runtime.merged_usr)
    programs = {*map(real, runtime.programs(arch)), real(loader_of(arch))}
    library_folders = set(map(real, runtime.folders(arch)))
    folders = _FOLDERS | library_folders
    for path in programs | library_folders:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    return _System(
        programs=frozenset(programs),
        library_folders=frozenset(library_folders),
        libraries=runtime.listing(arch).libraries,
        folders=frozenset(folders),
    )
