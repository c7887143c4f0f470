"""The files of a release: made, installed into an empty environment, tried and described."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from distributions import build_distributions
from launchers import ARCHITECTURES, note
from lean import BuildError
from verify import verify_full

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def check_launchers(folder: Path, *, is_dry: bool) -> None:
    """Those of both architectures, as they should be; for a release, from containers."""
    for arch in ARCHITECTURES:
        path = folder / f"full-{arch}"
        if not path.exists():
            raise BuildError(f"there is no full launcher for {arch} in {folder}")
        verify_full(path, arch=arch)
        if not _is_told_of(path, folder / f"BUILDINFO-{arch}"):
            problem = f"the full launcher for {arch} was not built in a container: {folder}"
            if not is_dry:
                raise BuildError(problem)
            note(f"note: a release would be refused: {problem}")


def _is_told_of(launcher: Path, facts: Path) -> bool:
    """Whether these are the facts that a build in a container left of this very file."""
    told = json.loads(facts.read_text())["launchers"] if facts.exists() else {}
    return bool(told.get(launcher.name) == _hash(launcher))


def make_files(tree: Path, work: Path, *, launchers: Path, time: int) -> list[Path]:
    """All files of the release of `tree`, in `work`/files, the sums last; raises `BuildError`."""
    # What writes the SBOM takes a second to import: who is refused before doesn't wait for it.
    from sbom import write_sbom

    folder = work / "files"
    built = build_distributions(tree, folder, launchers=launchers, time=time)
    wheels = [path for path in built if path.suffix == ".whl"]
    version = wheels[0].name.split("-")[1]
    _install(work / "environment", folder, tree=tree, version=version)
    _try(work / "environment", work, launchers=launchers)
    sbom = folder / f"lambda-shim-{version}.cdx.json"
    write_sbom(sbom, work / "environment", wheels=wheels, time=time)
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{_hash(path)}  {path.name}\n" for path in (*built, sbom)))
    return [*built, sbom, sums]


def _install(environment: Path, files: Path, *, tree: Path, version: str) -> None:
    """The files, and beside them what the image for CI has; pip finds shim nowhere else."""
    _run([sys.executable, "-m", "venv", "--without-pip", environment])
    python = environment / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install"]
    _run([*pip, "--quiet", "--require-hashes", "-r", tree / "requirements" / "image.txt"])
    _run([*pip, "--quiet", "--no-index", "--find-links", files, f"lambda-shim[full]=={version}"])


def _try(environment: Path, work: Path, *, launchers: Path) -> None:
    """What was installed gives the full launchers out, to the byte."""
    for arch in ARCHITECTURES:
        shim: list[str | Path] = [environment / "bin" / "shim", "launcher", "--arch", arch]
        _run([*shim, "--flavour", "full", "--output", work / "bootstrap"])
        if (work / "bootstrap").read_bytes() != (launchers / f"full-{arch}").read_bytes():
            raise BuildError(f"installed, shim has another full launcher for {arch}")


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"this failed: {' '.join(map(str, command))}\n{done.stderr[-4000:]}")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
