"""A deployment folder: a plan, all zips that it names, and the record of what happened.

`plan.json` is written last: a folder without it was never finished. All paths in it are the
folder's own, so that it can be moved to another machine. It alone has values of the environment.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import b64decode, b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.deploy.record import open_record
from shim.document import encode
from shim.errors import InputError, MachineError
from shim.fields import naming, read_file, read_json
from shim.package.output import new_file
from shim.plan.alias import AliasPlan
from shim.plan.saved import read_plan
from shim.plan.wording import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from shim.deploy.record import Record
    from shim.fields import Field
    from shim.package.packages import Packages
    from shim.package.read import Package
    from shim.plan.plan import Plan
    from shim.plan.target import Target

PLAN, ZIPS, RECORD, LOCK = "plan.json", "zips", "record.jsonl", ".lock"

_CHUNK = 1 << 20
_STRANGE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """What is carried out."""

    target: Target
    plan: Plan | AliasPlan
    arns: Mapping[Package, str]
    """Of the layers that have one."""

    @property
    def names(self) -> Names:
        """What its packages are called."""
        states = self.latest.states
        packages = (one for state in states for one in (state.package, *state.layers))
        return Names(dict.fromkeys(packages), arns=self.arns)

    @property
    def latest(self) -> Plan:
        """What happens to `$LATEST`."""
        return self.plan.latest if isinstance(self.plan, AliasPlan) else self.plan


class DeploymentFolder:
    """One that is finished; only its owner can read it."""

    def __init__(self, path: Path) -> None:
        """The folder at `path`; `InputError` where there is none, or half of one."""
        self.path = path
        if (path / PLAN).is_file():
            return
        if (path / ZIPS).is_dir():
            raise InputError(
                f"this deployment folder was never finished, it has no {PLAN}: `{path}`",
                hint="run the command again that makes it",
            )
        raise InputError(f"not a deployment folder, it has no {PLAN}: `{path}`")

    def read(self, packages: Packages | None = None) -> Deployment:
        """The plan, with its zips as they lie in the folder, held against their hashes."""
        path = self.path / PLAN
        with naming(str(path)):
            text = read_file(path)
            _check_own(read_json(text))
            saved = read_plan(text, packages=packages, folder=self.path)
            if saved.target is None:
                raise InputError("it doesn't say which function it is for: `function`")
        return Deployment(target=saved.target, plan=saved.plan, arns=saved.arns)

    @contextmanager
    def at_work(self, now: Callable[[], datetime]) -> Iterator[Record]:
        """The folder's record, for one process at a time; the kernel ends that with the process."""
        with _locked(self.path), open_record(self.path / RECORD, now=now) as record:
            yield record


def make_folder(
    path: Path, document: Mapping[str, Any], *, progress: Callable[[int], None] = lambda _: None
) -> DeploymentFolder:
    """The folder with the plan that `document` is, and its zips; `progress` gets bytes.

    One that was left half-way is gone on with. `InputError` where there is something else, or a
    zip isn't any more what the plan says.
    """
    _begin(path)
    packages = [
        {**one, "path": _add(path, Path(one["path"]), one["sha256"], progress=progress)}
        for one in document["packages"]
    ]
    text = encode({**document, "packages": packages}) + "\n"
    with new_file(path / PLAN, is_secret=True) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    return DeploymentFolder(path)


def find_folders(paths: Iterable[Path]) -> tuple[DeploymentFolder, ...]:
    """All deployment folders at and below `paths`, each once, in the order of their names."""
    found: dict[Path, Path] = {}
    for top in paths:
        below = sorted(_below(top))
        if not below:
            raise InputError(f"there is no deployment folder at or below: `{top}`")
        for path in below:
            found.setdefault(path.resolve(), path)
    return tuple(map(DeploymentFolder, found.values()))


def _check_own(document: Field) -> None:
    """What is in no folder of its own may change, and doesn't come along."""
    for package in document["packages"].items():
        parts = Path(package["path"].text()).parts
        if parts[:1] != (ZIPS,) or ".." in parts:
            package["path"].refuse("no zip of this folder's own, so this is no deployment folder")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # What few runs need.
    from filelock import FileLock, Timeout

    lock = FileLock(path / LOCK, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise MachineError(
            f"another shim is at work in this deployment folder: `{path}`",
            hint="wait until it has ended",
        ) from error
    except OSError as error:
        raise MachineError(f"can't lock the folder, {error.strerror}: `{path}`") from error
    try:
        yield
    finally:
        lock.release()


def _below(top: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(top):
        if PLAN in files or ZIPS in folders:
            folders.clear()
            yield Path(parent)


def _begin(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        names = {one.name for one in path.iterdir()}
        if PLAN in names:
            raise InputError(
                f"there is a deployment already: `{path}`", hint="name another folder, or deploy it"
            )
        # What `new_file` was writing when it was killed, where the file system needs a name for it.
        if any(name != ZIPS and not name.startswith(".shim-") for name in names):
            raise InputError(f"this folder has something else in it: `{path}`")
        path.chmod(0o700)
        (path / ZIPS).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise MachineError(
            f"can't make the deployment folder, {error.strerror}: `{path}`"
        ) from error


def _add(folder: Path, source: Path, sha256: str | None, *, progress: Callable[[int], None]) -> str:
    """Put a zip into the folder, under its hash and its own name; its path from there."""
    if sha256 is None:
        raise InputError(
            f"only a zip can be uploaded, this is a folder: `{source}`",
            hint="make a zip of it: `shim pack` does",
        )
    place = Path(ZIPS, b64decode(sha256).hex())
    name = _STRANGE.sub("-", source.name)[-100:]
    target = folder / place / name
    if not target.exists():
        (folder / place).mkdir(mode=0o700, exist_ok=True)
        if not _linked(source, target):
            _copy(source, target, sha256, progress=progress)
    return str(place / name)


def _linked(source: Path, target: Path) -> bool:
    """Whether it takes no room: a download, which is named by its hash, is never written to."""
    is_download = re.fullmatch(r"[0-9a-f]{64}\.zip", source.name)
    with suppress(OSError):
        if is_download and not source.stat().st_mode & 0o077:
            os.link(source, target)
            return True
    return False


def _copy(source: Path, target: Path, sha256: str, *, progress: Callable[[int], None]) -> None:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as old, new_file(target, is_secret=True) as new:
            while piece := old.read(_CHUNK):
                digest.update(piece)
                new.write(piece)
                progress(len(piece))
            if b64encode(digest.digest()).decode() != sha256:
                raise InputError(
                    f"the package has changed since the plan was made: `{source}`",
                    hint="make the plan again",
                )
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}: `{source}`") from error
