"""`shim cache`: what was downloaded, how much that is, and away with it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import ExitCode, MachineError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

DESCRIPTION = """\
Say what lies in the cache: AWS's emulator, and packages and layers that were read from accounts. It
is in $SHIM_CACHE, or else in a folder `shim` in $XDG_CACHE_HOME or ~/.cache.

With --clear all of it goes, and what is needed again is downloaded again. Plans that `shim plan
--function` saved name packages in it; deployment folders have their own. While another command of
shim's uses the cache, nothing goes: exit status 3."""

RESULT_FORMAT = 1

_KINDS = {"rie": "AWS's emulator", "functions": "packages and layers from accounts"}
"""By folder. Nothing else is ever removed: $SHIM_CACHE may be a folder of somebody else's too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One kind of what lies in the cache."""

    what: str
    folder: Path
    files: int
    size: int


def cache_folder() -> Path:
    """`$SHIM_CACHE`, else `shim` in `$XDG_CACHE_HOME` or `~/.cache`."""
    if folder := os.environ.get("SHIM_CACHE"):
        return Path(folder).absolute()
    return Path(
        os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "shim"
    ).absolute()


def used_cache() -> Path:
    """The same, for who uses what lies there: as long as this process runs, nobody clears it."""
    folder = cache_folder()
    with suppress(OSError):  # a folder that can't be written can't be cleared either
        folder.mkdir(parents=True, exist_ok=True)
        _lock(folder, is_shared=True)
    return folder


def kept(folder: Path) -> list[Kept]:
    """What lies in the cache."""
    return [_kept(what, folder / name) for name, what in _KINDS.items()]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("--clear", action="store_true", help="remove all of it")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Tell what there is; with --clear, what there was."""
    folder = cache_folder()
    found = kept(folder)
    if arguments.clear and folder.is_dir():
        with _alone(folder):
            for one in found:
                _remove(one.folder)
    if arguments.json:
        # What else takes no time here.
        from shim.document import as_object, document, encode

        contents = [{**as_object(one), "folder": str(one.folder)} for one in found]
        content = {"folder": str(folder), "contents": contents, "isCleared": arguments.clear}
        print(encode(document(RESULT_FORMAT, content)))
        return ExitCode.OK
    print(*_lines(folder, found, is_cleared=arguments.clear), sep="\n")
    return ExitCode.OK


def _lines(folder: Path, found: list[Kept], *, is_cleared: bool) -> Iterator[str]:
    from shim.package.limits import format_size
    from shim.text import printable

    total = format_size(sum(one.size for one in found))
    yield f"{printable(str(folder))}: {total}{' removed' if is_cleared else ''}"
    for one in found:
        count = "1 file" if one.files == 1 else f"{one.files:,} files"
        yield f"  {format_size(one.size):>9}  {count:>9}  {one.what}"


def _kept(what: str, folder: Path) -> Kept:
    sizes = []
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # gone since
                sizes.append(Path(parent, name).lstat().st_size)
    return Kept(what=what, folder=folder, files=len(sizes), size=sum(sizes))


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        raise MachineError(
            f"a link is not removed, nor what is behind it: `{folder}`",
            hint="SHIM_CACHE=FOLDER names another folder as a whole",
        )
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise MachineError(f"can't remove it, {error.strerror}: `{error.filename}`") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        lock = _lock(folder, is_shared=False)
    except BlockingIOError as error:
        raise MachineError(
            f"another command of shim's uses it now: `{folder}`", hint="try again once it has ended"
        ) from error
    except OSError as error:
        raise MachineError(f"can't clear it, {error.strerror}: `{folder}`") from error
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path, *, is_shared: bool) -> int | None:
    """A lock that ends with its descriptor; Windows removes no file that is open anyway."""
    if sys.platform == "win32":
        return None
    import fcntl

    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
