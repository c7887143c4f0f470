#!/usr/bin/env python3
"""Measures `shim pack` and `shim check` on one package of real programs, up to 250 MB.

    scripts/bench_packages.py [--rounds N] [--beside CHECKOUT] [--json FILE] FOLDER...

The package: each ELF program and library of 1 to 50 MB below the folders, until it has 250 MB.
Beside `pack` run `zip -6 -r` and Python's zipfile; `shim --version` runs beside `python -c pass`.
All commands run in each round, in turn, so that drift hits all alike; medians count. With --beside
another version of shim checks the same zip, and the ratio of both is shown. No process shows less
peak memory than this one has, some 20 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

LIMIT = 250 << 20
ZIPFILE = """
import sys, zipfile, pathlib
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
    for path in sorted(pathlib.Path("package").rglob("*")):
        archive.write(path)
"""
PYTHON = sys.executable
COMMANDS = {
    "zip -6 -r": ["zip", "-q", "-6", "-r", "zip.zip", "package"],
    "zipfile, level 6": [PYTHON, "-c", ZIPFILE, "zipfile.zip"],
    "shim pack": [
        *(PYTHON, "-m", "shim", "pack", "package"),
        *("--allow-missing", "-o", "shim.zip"),
    ],
    "shim check": [PYTHON, "-m", "shim", "check", "shim.zip"],
    "python -c pass": [PYTHON, "-c", "pass"],
    "shim --version": [PYTHON, "-m", "shim", "--version"],
}
PAIRS = [
    ("zip -6 -r", "shim pack"),
    ("zipfile, level 6", "shim pack"),
    ("shim --version", "python -c pass"),
]
BESIDE = "check, the other"
OUTPUTS = {"zip -6 -r": "zip.zip", "zipfile, level 6": "zipfile.zip", "shim pack": "shim.zip"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of a command."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


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


def measure(words: list[str], tree: Path | None = None) -> Run:
    """Run a command, of the shim in `tree`, to its end; 1 is `check`'s answer, and no failure."""
    # As installed: with Python's bytecode kept.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    if tree:
        environment["PYTHONPATH"] = str(tree)
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    start = time.monotonic()
    pid = os.posix_spawnp(words[0], words, environment, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) not in {0, 1}:
        sys.exit(f"failed: {' '.join(words)}")
    return Run(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss << 10,
    )


def measure_rounds(rounds: int, beside: Path | None) -> dict[str, list[Run]]:
    """Every command in each round, after one that doesn't count."""
    commands = {name: (words, None) for name, words in COMMANDS.items()}
    if beside:
        commands[BESIDE] = (COMMANDS["shim check"], beside)
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    digests = set()
    for index in range(rounds + 1):
        for output in OUTPUTS.values():
            Path(output).unlink(missing_ok=True)
        for name, (words, tree) in commands.items():
            run = measure(words, tree)
            if index:
                runs[name].append(run)
        with Path("shim.zip").open("rb") as file:
            digests.add(hashlib.file_digest(file, "sha256").digest())
    if len(digests) != 1:
        sys.exit("shim pack made different bytes of the same inputs")
    return runs


def table(runs: dict[str, list[Run]], sizes: dict[str, int]) -> None:
    """Side by side, and the ratios of each round."""
    print(f"{'':18}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'bytes':>14}{'size':>9}")
    for name, measured in runs.items():
        output = OUTPUTS.get(name)
        ratio = sizes[output] / sizes["zip.zip"] if output else 0
        size = f"{sizes[output]:14,}{ratio - 1:+9.1%}" if output else ""
        print(
            f"{name:18}{median(run.seconds for run in measured):9.3f}"
            f"{median(run.cpu_seconds for run in measured):8.3f}"
            f"{max(run.peak_bytes for run in measured) / (1 << 20):9.0f}{size}"
        )
    for slow, quick in [*PAIRS, *([("shim check", BESIDE)] if BESIDE in runs else [])]:
        pairs = list(zip(runs[slow], runs[quick], strict=True))
        seconds = median(one.seconds / other.seconds for one, other in pairs)
        cpu = median(one.cpu_seconds / other.cpu_seconds for one, other in pairs)
        print(f"{slow} / {quick}: {seconds:.2f} x the seconds, {cpu:.2f} x the CPU seconds")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another version of shim")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where every run is kept")
    parser.add_argument("folders", nargs="+", type=Path)
    arguments = parser.parse_args()
    record = arguments.json.resolve() if arguments.json else None
    beside = arguments.beside.resolve() if arguments.beside else None
    folders = [folder.resolve() for folder in arguments.folders]
    with TemporaryDirectory() as scratch:
        os.chdir(scratch)
        Path("package").mkdir()
        count, total = collect(folders, Path("package"))
        machine = f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
        print(f"{count} programs and libraries, {total:,} bytes; {machine}")
        runs = measure_rounds(arguments.rounds, beside)
        sizes = {output: Path(output).stat().st_size for output in OUTPUTS.values()}
    table(runs, sizes)
    if record:
        raw = {name: [asdict(run) for run in measured] for name, measured in runs.items()}
        system = {"processors": os.cpu_count(), "machine": platform.machine()}
        package = {"programs": count, "bytes": total, "zips": sizes}
        content = {"system": system, "package": package, "runs": raw}
        record.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
