"""Builds the layer that starts on both architectures, where the old ones and the new ones don't.

Layers change in one call and the architecture in another: an extension that is built for one of
them ends every start in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.package.extension import EXTENSION_PROGRAMS, EXTENSIONS
from shim.package.launchers import dual_script, extension_script
from shim.package.names import BOOTSTRAP, PRIVATE
from shim.plan.bridge.bridge import Bridge, Bridges, package_of
from shim.plan.bridge.contents import (
    Conflict,
    Files,
    files_of,
    is_same,
    made,
    moved,
    starts_on,
    united,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shim.arch import Arch
    from shim.check.state import State
    from shim.package.read import Entry


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Side:
    arch: Arch
    files: Files


def bridge_layers(begin: State, wanted: State, *, path: str) -> Bridges:
    """A layer that may start on both architectures, as if it were at `path`.

    There is none where the change doesn't take one.
    """
    old = [layer for layer in begin.layers if layer not in wanted.layers]
    new = [layer for layer in wanted.layers if layer not in begin.layers]
    if begin.arch is wanted.arch or not old or not new:
        return Bridges()
    sides = (
        _Side(arch=begin.arch, files=files_of(*old)),
        _Side(arch=wanted.arch, files=files_of(*new)),
    )
    try:
        files, left_out = _merged(*sides, handlers=(begin.handler, wanted.handler))
        package = package_of(files, path)
    except InputError as error:
        return Bridges(reasons=(f"the layers can't be made into one: {error.message}",))
    layers = [package if layer is new[0] else layer for layer in wanted.layers]
    kept = tuple(layer for layer in layers if layer is package or layer not in new)
    return Bridges(found=(Bridge(package=package, what=_what(left_out), layers=(kept,)),))


def _what(left_out: Iterable[str]) -> str:
    """`left_out` are extensions that one side has, and no program for the other's architecture."""
    without = "".join(
        f", without the extension `{name}`, which is there for one alone" for name in left_out
    )
    return f"has what the old and the new layers have, for both architectures{without}"


def _merged(old: _Side, new: _Side, *, handlers: Iterable[str]) -> tuple[Files, list[str]]:
    """The files of both sides, and the extensions that could not be kept."""
    extensions, left_out = _extensions(old, new)
    handler_files = {path for name in handlers for path in _handler(old, new, name)}
    own: Files = {**extensions, **_starts(old, new)}
    for path in handler_files:
        own |= _programs(old, new, path)
    rest = [
        {path: entry for path, entry in side.files.items() if not _is_special(path, own)}
        for side in (old, new)
    ]
    return {**united(*rest), **own}, left_out


def _is_special(path: str, own: Files) -> bool:
    """Whether the path was seen to already: extensions, and what `bootstrap` is made of."""
    top = path.split("/", maxsplit=1)[0]
    is_start = BOOTSTRAP in own and top in {BOOTSTRAP, PRIVATE}
    return top in {EXTENSIONS, EXTENSION_PROGRAMS} or is_start or path in own


def _extensions(old: _Side, new: _Side) -> tuple[Files, list[str]]:
    names = [
        path.removeprefix(f"{EXTENSIONS}/")
        for path in sorted({**old.files, **new.files})
        if path.startswith(f"{EXTENSIONS}/") and path.count("/") == 1
    ]
    files: Files = {}
    left_out = []
    for name in names:
        programs = {}
        for side, other in ((old, new), (new, old)):
            if one := _extension(side, name, side.arch) or _extension(other, name, side.arch):
                programs[side.arch] = one
        if len(programs) == len({old.arch, new.arch}):
            files |= _joined(name, programs)
        else:
            left_out.append(name)
    for side in (old, new):
        files |= {
            path: entry
            for path, entry in side.files.items()
            # Lambda doesn't look into sub-folders: what lies there belongs to some extension.
            if path.startswith(f"{EXTENSIONS}/") and path.count("/") > 1
        }
    return files, left_out


def _extension(side: _Side, name: str, arch: Arch) -> Entry | None:
    """The program that one side's extension is on `arch`."""
    entry = side.files.get(f"{EXTENSIONS}/{name}")
    if entry is None:
        return None
    if is_same(entry, made(entry.name, extension_script())):
        return side.files.get(f"{EXTENSION_PROGRAMS}/{arch.machine}/{name}")
    # A script says nothing of what it starts: both sides have to have the same one.
    return entry if starts_on(entry, arch, own=side.arch) else None


def _joined(name: str, programs: dict[Arch, Entry]) -> Files:
    one, *others = programs.values()
    path = f"{EXTENSIONS}/{name}"
    if all(is_same(one, other) for other in others):
        return {path: moved(one, path)}
    files = {path: made(path, extension_script())}
    for arch, entry in programs.items():
        program = f"{EXTENSION_PROGRAMS}/{arch.machine}/{name}"
        files[program] = moved(entry, program)
    return files


def _starts(old: _Side, new: _Side) -> Files:
    """`bootstrap` for both architectures; nothing where one side or none has one, or both the same.

    The other files then decide.
    """
    starts = [side.files.get(BOOTSTRAP) for side in (old, new)]
    if starts[0] is None or starts[1] is None or is_same(starts[0], starts[1]):
        return {}
    natives = {}
    for side, start in zip((old, new), starts, strict=True):
        path = f"{PRIVATE}/{side.arch.machine}"
        native = start
        if start is not None and is_same(start, made(BOOTSTRAP, dual_script())):
            native = side.files.get(path)
        if native is None or not starts_on(native, side.arch, own=side.arch):
            raise Conflict(f"`{BOOTSTRAP}` is there twice, and one is not for {side.arch}")
        natives[path] = moved(native, path)
    return {BOOTSTRAP: made(BOOTSTRAP, dual_script()), **natives}


def _handler(old: _Side, new: _Side, name: str) -> tuple[str, ...]:
    """The handler's path, where both sides have another program for it."""
    one, other = old.files.get(name), new.files.get(name)
    if one is None or other is None or is_same(one, other):
        return ()
    return (name,)


def _programs(old: _Side, new: _Side, name: str) -> Files:
    files: Files = {}
    for side in (old, new):
        entry = side.files[name]
        if not starts_on(entry, side.arch, own=side.arch):
            raise Conflict(f"both have a file at `{name}`, and one is not for {side.arch}")
        path = f"{name}{side.arch.suffix}"
        files[path] = moved(entry, path)
    return files
