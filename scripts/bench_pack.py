#!/usr/bin/env python3
"""Measures `shim pack` against `zip -6 -r` and Python's zipfile on one package of real programs.

    scripts/bench_pack.py [--rounds N] FOLDER...

The package: each ELF program and library of 1 to 50 MB below the folders, until it has 250 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

LIMIT = 250 << 20
SHIM = [sys.executable, "-m", "shim", "pack"]
ZIPFILE = """
import sys, zipfile, pathlib
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
    for path in sorted(pathlib.Path("package").rglob("*")):
        archive.write(path)
"""
COMMANDS = {
    "zip -6 -r": ["zip", "-q", "-6", "-r", "OUT", "package"],
    "zipfile, level 6": [sys.executable, "-c", ZIPFILE, "OUT"],
    "shim pack": [*SHIM, "package", "--allow-missing", "-o", "OUT"],
}


def collect(folders: list[Path], target: Path) -> tuple[int, int]:
    """Copy the programs; returns how many there are, and their bytes."""
    total = 0
    seen: set[bytes] = set()
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        size = path.stat().st_size if path.is_file() else 0
        if not 1 << 20 <= size <= 50 << 20 or total + size > LIMIT:
            continue
        with path.open("rb") as file:
            is_program = file.read(4) == b"\x7fELF"
            digest = hashlib.file_digest(file, "sha256").digest()
        if is_program and digest not in seen:
            seen.add(digest)
            total += size
            # No suffix: a name that says an architecture would make it a variant.
            shutil.copyfile(path, target / f"program{len(seen)}")
    return len(seen), total


def measure(words: list[str], output: Path) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds, and the peak memory in bytes of one run."""
    output.unlink(missing_ok=True)
    words = [str(output) if word == "OUT" else word for word in words]
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    start = time.monotonic()
    pid = os.posix_spawnp(words[0], words, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if status:
        sys.exit(f"failed: {' '.join(words)}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10


def main() -> None:
    """Measure in turn, so that drift hits all alike; the least of the rounds counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()
    with TemporaryDirectory() as scratch:
        folders = [folder.resolve() for folder in arguments.folders]
        os.chdir(scratch)
        Path("package").mkdir()
        count, total = collect(folders, Path("package"))
        print(f"{count} programs and libraries, {total:,} bytes, {os.cpu_count()} processors")
        runs: dict[str, list[tuple[float, float, int]]] = {name: [] for name in COMMANDS}
        sizes: dict[str, int] = {}
        for _ in range(arguments.rounds):
            for name, words in COMMANDS.items():
                runs[name].append(measure(words, Path(scratch, "out.zip")))
                sizes[name] = Path(scratch, "out.zip").stat().st_size
    table(runs, sizes)


def table(runs: dict[str, list[tuple[float, float, int]]], sizes: dict[str, int]) -> None:
    """Side by side, against `zip`."""
    print(f"{'':18}{'seconds':>9}{'faster':>8}{'CPU s':>8}{'bytes':>14}{'size':>9}{'peak MB':>9}")
    first = next(iter(runs))
    reference = min(runs[first])[0]
    for name, measured in runs.items():
        seconds, cpu, peak = zip(*measured, strict=True)
        print(
            f"{name:18}{min(seconds):9.2f}{reference / min(seconds):7.1f}x{min(cpu):8.2f}"
            f"{sizes[name]:14,}{sizes[name] / sizes[first]:9.1%}{max(peak) / (1 << 20):9.0f}"
        )


if __name__ == "__main__":
    main()
