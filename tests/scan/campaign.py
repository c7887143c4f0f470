"""An account of many functions, scanned and planned: how long that takes beyond downloads.

    python -m tests.scan.campaign FUNCTIONS [--packages N]

Packages are of twenty kinds, real zips of real programs, N of them with bytes of their own (one a
function, if nothing is said); a process of its own gives them over HTTP. The account is in memory:
what its rates allow is the same for everybody. It prints a row for docs/why/speed.md.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_runtimes
from shim.document import encode
from shim.package.entry import Entry
from shim.package.function import write_zip
from shim.package.launchers import Flavour, launcher
from shim.package.read import read_package
from shim.scan.document import as_document
from shim.scan.facts import Choice
from shim.scan.page import as_page
from shim.scan.scanner import Scanner
from shim.scan.store import Store
from shim.scan.summary import standing
from shim.scan.wanted import all_wanted
from tests.check.oracle.programs import Programs
from tests.memory import peak_memory
from tests.scan.kinds import kinds
from tests.scan.memory import MemoryAccount, Storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shim.scan.scanner import Scan

DAY = date(2026, 11, 28)
PROGRAMS = Path(__file__).parents[2] / ".pytest_cache" / "d" / "programs"


class Compiled:
    """See `tests.scan.kinds.Builds`: what zig makes, and this installation's launchers."""

    def static(self, arch: Arch) -> bytes:
        """See `Builds`."""
        return _programs(arch).static

    def glibc(self, arch: Arch, version: str) -> bytes:
        """See `Builds`."""
        return _programs(arch).glibc(version)

    def musl(self, arch: Arch) -> bytes:
        """See `Builds`."""
        return _programs(arch).musl

    def launcher(self, arch: Arch) -> bytes:
        """See `Builds`."""
        return launcher(arch, Flavour.LEAN)


@cache
def _programs(arch: Arch) -> Programs:
    return Programs(arch=arch, cache=PROGRAMS)


@dataclass(kw_only=True)
class Measured:
    """What one scan took."""

    seconds: float
    cpu: float
    scan: Scan


def make(folder: Path, packages: int) -> None:
    """The zips, the kinds in turn; none is like another."""
    made = list(kinds(Compiled()).items())
    for name, kind in made:
        if kind.layer:
            _write(folder / f"{name}-layer.zip", kind.layer)
    for number in range(packages):
        kind = made[number % len(made)][1]
        _write(folder / f"{number}.zip", {**kind.files, "number.txt": b"%d" % number})


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    write_zip(path, [Entry.file(name, data, mode=0o755) for name, data in files.items()])


def account(folder: Path, url: str, *, functions: int, packages: int) -> MemoryAccount:
    """Functions in turn with each package; `url` gives the folder's files."""
    found = MemoryAccount(storage=Storage(url=url))
    made = list(kinds(Compiled()).items())
    for number in range(functions):
        name, kind = made[number % packages % len(made)]
        layer = folder / f"{name}-layer.zip" if kind.layer else None
        code = folder / f"{number % packages}.zip"
        listed = found.create(f"{name}-{number}", kind, code, layer=layer)
        link = found.known[listed.arn].link
        assert link
        here = replace(link, url=f"{url}/{code.name}")
        found.known[listed.arn] = replace(found.known[listed.arn], link=here)
        for arn in listed.function.layers if listed.function else ():
            found.links[arn] = replace(found.links[arn], url=f"{url}/{name}-layer.zip")
    return found


def measure(account: MemoryAccount, downloads: Path) -> Measured:
    """One scan for the newest runtime, on arm64."""
    wanted = all_wanted([read_runtimes()["provided.al2023"]], [Arch.ARM64])
    gc.collect()
    began, cpu = time.perf_counter(), time.process_time()
    scanner = Scanner(choice=Choice(), wanted=wanted, day=DAY, store=Store(downloads))
    scanner.scan_account(account, asks_callers=False)
    return Measured(
        seconds=time.perf_counter() - began,
        cpu=time.process_time() - cpu,
        scan=scanner.result(),
    )


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder, over HTTP, by another process."""
    words = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout
        port = server.stdout.readline().split()[5]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@dataclass(kw_only=True)
class Result:
    """Of one campaign."""

    row: str
    """For the table."""
    standings: Mapping[str, int]


def campaign(functions: int, packages: int) -> Result:
    """Scan twice: the second time nothing is left to be downloaded."""
    with TemporaryDirectory() as top:
        folder, downloads = Path(top, "packages"), Path(top, "downloads")
        folder.mkdir()
        with ProcessPoolExecutor(1) as makers:
            makers.submit(make, folder, packages).result()
        with serving(folder) as url:
            of_many = account(folder, url, functions=functions, packages=packages)
            before = peak_memory()
            first = measure(of_many, downloads)
            again = measure(of_many, downloads)
            peak = peak_memory()
        reading = _reading(downloads)
    page, document = as_page(again.scan), encode(as_document(again.scan))
    cells = (
        *(f"{functions:,}", f"{packages:,}", f"{first.seconds - again.seconds:.1f} s"),
        *(f"{again.seconds:.1f} s", f"{again.cpu:.1f} s", f"{reading:.1f} s"),
        *(f"{before / 2**20:.0f} MB", f"{peak / 2**20:.0f} MB"),
        *(f"{len(page) / 1e6:.1f} MB", f"{len(document) / 1e6:.1f} MB"),
    )
    found = [standing(outlook) for one in again.scan.functions for outlook in one.outlooks]
    return Result(row=f"| {' | '.join(cells)} |", standings=Counter(map(str, found)))


def _reading(folder: Path) -> float:
    """Seconds for reading the directories of all zips, which is a part of every scan."""
    began = time.perf_counter()
    for path in folder.glob("*.zip"):
        read_package(path)
    return time.perf_counter() - began


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("functions", type=int)
    parser.add_argument("--packages", type=int)
    arguments = parser.parse_args()
    result = campaign(arguments.functions, arguments.packages or arguments.functions)
    print(", ".join(f"{count:,} {name}" for name, count in sorted(result.standings.items())))
    print(result.row)


if __name__ == "__main__":
    main()
