"""What is in the package: its handlers, the architectures each is there for, the nearest names.

Part of the full launcher, like explain.py. Bounded in time and in number, whatever the package is.
"""

import os
import time

from shim.launcher.program import read_program

TYPE_CHECKING = False  # mypy takes it for true; the module `typing` would be frozen too
if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 0.25
"""How long a package is looked through; Lambda's own limit for a start is 10 s."""

HANDLER_LIMIT = 1000
"""Handlers that are kept; what is shown is far less."""

FOLDER_LIMIT = 20_000
"""Entries of one folder that are read."""

LIKE = 0.5
"""How much a name has to have in common with what was meant."""

DEPTH_LIMIT = 5
"""Folders within folders that are looked into."""

NOT_HANDLERS = (b".shim", b".extensions", b"extensions", b"bootstrap")
"""At the root of a package or layer: shim's own, those that Lambda starts, and the launcher."""

MODULE = b".py"
"""Among other files these are modules, `#!` or not (as in shim/package/names.py)."""

CHARACTER_LIMIT = 128
"""Of a handler's name (UpdateFunctionConfiguration, Handler)."""


class Inventory:
    """Handlers by name, each with its architectures; `is_complete` unless a bound was hit."""

    def __init__(self) -> None:
        self.handlers: dict[bytes, set[str]] = {}
        self.is_complete = True


def take_inventory(
    folders: tuple[bytes, ...], clock: "Callable[[], float]" = time.monotonic
) -> Inventory:
    """Every handler below `folders`, which are the task root and `/opt`."""
    inventory = Inventory()
    deadline = clock() + SECONDS
    roots = tuple(os.path.realpath(folder) for folder in folders)
    for root in roots:
        waiting = [(root, b"", 0)]
        while waiting:
            folder, prefix, depth = waiting.pop(0)
            for entry in _entries(folder):
                if clock() > deadline or len(inventory.handlers) >= HANDLER_LIMIT:
                    inventory.is_complete = False
                    return inventory
                name = prefix + entry.name
                if name in NOT_HANDLERS:
                    continue
                if _is_folder(entry):
                    if depth < DEPTH_LIMIT:
                        waiting.append((entry.path, name + b"/", depth + 1))
                elif _may_be_handler(name) and _lies_within(entry, roots):
                    _add(inventory.handlers, name, entry.path)
    return inventory


def nearest(handler: bytes, names: list[bytes]) -> list[bytes]:
    """Up to three of `names` that `handler` may have been meant to be, the likeliest first."""
    # The managed runtimes' handlers are `file.function`: the file is what counts here.
    wanted = (_pairs(handler), _pairs(handler.rsplit(b".", 1)[0]))
    likely = sorted(
        (-max(_likeness(meant, _pairs(name)) for meant in wanted), name) for name in names
    )
    if not likely or likely[0][0] > -LIKE:
        return []
    return [name for minus, name in likely[:3] if minus <= 0.9 * likely[0][0]]


def lies_below(path: bytes, folders: tuple[bytes, ...]) -> bool:
    """Whether `path` lies in one of `folders`; all of them without links in them."""
    return any(path.startswith(folder.rstrip(b"/") + b"/") for folder in folders)


def _entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry, _ in zip(found, range(FOLDER_LIMIT), strict=False)]
    except OSError:
        return []
    return sorted(entries, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _lies_within(entry: os.DirEntry[bytes], roots: tuple[bytes, ...]) -> bool:
    """Whether this is a file that may be read: a link must not lead out of the package."""
    try:
        if not entry.is_file():
            return False
        if not entry.is_symlink():
            return True
    except OSError:
        return False
    return lies_below(os.path.realpath(entry.path), roots)


def _may_be_handler(name: bytes) -> bool:
    """Whether a function can have this `Handler`: as for names in shim/package/names.py."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    is_one_word = not any(map(str.isspace, text))
    return is_one_word and len(text) <= CHARACTER_LIMIT and not name.endswith(MODULE)


def _add(handlers: dict[bytes, set[str]], name: bytes, path: bytes) -> None:
    """Note the program at `path`, `bin/orders_arm64` as `bin/orders` where it is one for arm64."""
    program = read_program(path)
    if program is None or program.problem or not program.kind or program.is_library:
        return
    if program.arch in {"arm64", "any"} and name.endswith(b"_arm64"):
        handlers.setdefault(name.removesuffix(b"_arm64"), set()).add("arm64")
    else:
        handlers.setdefault(name, set()).add(program.arch)


def _pairs(name: bytes) -> set[bytes]:
    lower = b"/" + name.lower() + b"/"
    return {lower[start : start + 2] for start in range(len(lower) - 1)}


def _likeness(one: set[bytes], other: set[bytes]) -> float:
    """How much two names have in common, from 0 to 1 (Dice's coefficient of their pairs)."""
    return 2 * len(one & other) / (len(one) + len(other))
