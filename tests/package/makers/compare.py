"""A package as shim reads it, beside what Info-ZIP's unzip and a real start make of it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.check.verdict import verdict
from shim.errors import InputError
from shim.package.contents import Unreadable
from shim.package.read import read_package
from tests.command import run_shim

if TYPE_CHECKING:
    from pathlib import Path

    from shim.package.read import Package

HANDLER = "orders"
SAID = b"started\n"
SCRIPT = b'#!/bin/sh\nexec "$LAMBDA_TASK_ROOT/$_HANDLER"\n'
"""The `bootstrap` that a launcher replaces."""

_NOBODY = 65534
_WARNS = 1
"""Exit status of unzip for what it could unpack all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """What came of one zip."""

    answer: str
    real: str
    unzip: int
    entries: int = 0
    codes: tuple[str, ...] = ()
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """What came of a package in `shim pack`."""

    real: str
    differs: bool
    """Whether it starts, and what unzip unpacked did not, run bits given; or the reverse."""


def fill(folder: Path, launcher: bytes) -> None:
    """What is packed: launcher, handler, data, a name that is not ASCII, and an empty folder."""
    (folder / "data").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name, content, mode in (
        ("bootstrap", launcher, 0o755),
        (HANDLER, b"#!/bin/sh\nexec /bin/echo started\n", 0o755),
        ("data/text.txt", b"text\n" * 3000, 0o644),
        ("data/none", b"", 0o644),
        ("ü.txt", os.urandom(500), 0o640),
    ):
        path = folder / name
        path.write_bytes(content)
        path.chmod(mode)


def compare(zipped: Path, into: Path, *, arch: Arch = Arch.X86_64) -> Compared:
    """Read and judge the zip, unpack it by unzip into the new folder `into`, and start it.

    What a tool left as a folder is copied there.
    """
    done = _unpack(zipped, into)
    is_refused = done.returncode > _WARNS
    said = done.stderr.decode(errors="replace").strip()[:200]
    try:
        package = read_package(zipped)
    except InputError as error:
        differences = [] if is_refused else [f"only shim refuses it: {error.message}"]
        return Compared(
            answer="refused", real="refused", unzip=done.returncode, differences=differences
        )
    problem = package.problem or next((one.problem for one in package.entries if one.problem), None)
    if is_refused != bool(problem):
        differences = [f"unzip: {done.returncode} ({said}), shim: {problem}"]
    else:
        differences = [] if is_refused else _tree_differences(package, into)
    runtime = read_runtimes()["provided.al2023"]
    state = State(package=package, arch=arch, runtime=runtime, handler=HANDLER)
    judged = verdict(state)
    real = "refused" if is_refused else _start(into)
    if (real == "starts") != judged.starts:
        differences.append(f"it {real}, and the verdict is {judged.answer}")
    return Compared(
        answer=str(judged.answer),
        real=real,
        unzip=done.returncode,
        entries=len(package.entries),
        codes=tuple(sorted({one.code for one in judged.findings})),
        differences=differences,
    )


def pack(package: Path, into: Path, *, arch: Arch, is_program: bool) -> Packed:
    """Let `shim pack` take it, and start what comes of it in the new folder `into`.

    `is_program` says that it is to be the handler, and has no script that a launcher replaces.
    """
    is_refused = _unpack(package, into).returncode > _WARNS
    subprocess.run(["chmod", "-R", "a+rx", str(into)], check=True)
    should = _start(into) == "starts" and not is_refused
    output = into.with_suffix(".packed.zip")
    given = f"{HANDLER}={package}" if is_program else str(package)
    done = run_shim("pack", given, "-o", output, "--arch", arch)
    if done.returncode:
        return Packed(real=f"refused, {done.stderr.splitlines()[0]}", differs=should)
    _unpack(output, into)
    real = _start(into)
    return Packed(real=real, differs=(real == "starts") != should)


def _unpack(package: Path, into: Path) -> subprocess.CompletedProcess[bytes]:
    into.mkdir()
    copied = ["cp", "--recursive", "--preserve=mode,links", f"{package}/.", str(into)]
    words = copied if package.is_dir() else ["unzip", "-qqo", str(package), "-d", str(into)]
    return subprocess.run(words, capture_output=True, check=False, umask=0o022)


def _tree_differences(package: Package, into: Path) -> list[str]:
    """Where what unzip wrote is not what shim reads."""
    found = {str(path.relative_to(into)): path for path in into.rglob("*")}
    names = dict(package.names)
    mangled = [name for name in found if name.endswith("++.txt")]
    if mangled and not package.has_modes:
        # With a flag and no Unicode field, unzip takes these names for a code page's.
        # Python, Go and Java read them as UTF-8 (docs/reference/packages.md); others weren't tried.
        found = {name: path for name, path in found.items() if name not in mangled}
        names = {name: entry for name, entry in names.items() if name.isascii()}
    differing = [f"only one has `{name}`" for name in sorted(found.keys() ^ names.keys())]
    for name in sorted(found.keys() & names.keys()):
        path, entry = found[name], names[name]
        status = path.lstat()
        if entry is None:
            continue
        there = stat.S_IFMT(status.st_mode), status.st_mode & 0o777
        if there != (entry.kind, entry.mode):
            differing.append(f"`{name}`: {there[1]:o}, and shim reads {entry.mode:o}")
        if not stat.S_ISDIR(entry.kind) and _read(path) != _whole(package, name):
            differing.append(f"`{name}` has other bytes")
    return differing


def _read(path: Path) -> bytes:
    return os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()


def _whole(package: Package, name: str) -> bytes | None:
    entry = package.names[name]
    try:
        return entry.whole() if entry else None
    except Unreadable:
        return None


def _start(folder: Path) -> str:
    """Execute `bootstrap` as somebody who owns nothing."""
    if os.geteuid() != 0:
        # Whoever unpacked it owns it: then the run bits of others count only where they are alike.
        _spread_modes(folder)
    try:
        done = subprocess.run(
            [folder / "bootstrap"],
            cwd=folder,
            env={"LAMBDA_TASK_ROOT": str(folder), "_HANDLER": HANDLER, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            check=False,
            timeout=60,
            user=_NOBODY if os.geteuid() == 0 else None,
        )
    except OSError as error:
        return f"fails ({error.strerror})"
    finally:
        shutil.rmtree(folder)
    return "starts" if (done.returncode, done.stdout) == (0, SAID) else f"fails ({done.returncode})"


def _spread_modes(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod((path.stat().st_mode & 0o007) * 0o111)
