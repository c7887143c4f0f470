"""The files of a release: built twice, and the same bytes both times, or none at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from filecmp import cmpfiles
from pathlib import Path

from lean import BuildError

LAUNCHERS = Path("packages") / "launchers"


def build_distributions(tree: Path, output: Path, *, launchers: Path, time: int) -> list[Path]:
    """lambda-shim's sdist and wheel and the launchers' wheel, from `tree`, in `output`.

    The second time the sdist is built from a copy, and the wheels from what the first sdist unpacks
    to: they need no more than is in there. `time` stands in the archives. Raises `BuildError`.
    """
    for path in launchers.iterdir():
        if path.name.startswith(("full-", "BUILDINFO-")):
            (tree / LAUNCHERS / "bin").mkdir(exist_ok=True)
            shutil.copy(path, tree / LAUNCHERS / "bin")
    with tempfile.TemporaryDirectory(prefix="shim-distributions-") as name:
        folder = Path(name)
        shutil.copytree(tree, folder / "copy", ignore=shutil.ignore_patterns(".git"))
        _build_sdist(tree, folder / "first", time=time)
        _build_sdist(folder / "copy", folder / "second", time=time)
        (sdist,) = (folder / "first").iterdir()
        shutil.unpack_archive(sdist, folder / "unpacked")
        (unpacked,) = (folder / "unpacked").iterdir()
        shutil.copytree(tree / LAUNCHERS / "bin", unpacked / LAUNCHERS / "bin")
        _build_wheels(tree, folder / "first", time=time)
        _build_wheels(unpacked, folder / "second", time=time)
        names = sorted(path.name for path in (folder / "first").iterdir())
        _, different, strange = cmpfiles(folder / "first", folder / "second", names, shallow=False)
        if wrong := different + strange:
            raise BuildError(f"built again they have other bytes: {', '.join(wrong)}")
        output.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy(folder / "first" / name, output)) for name in names]


def _build_sdist(tree: Path, output: Path, *, time: int) -> None:
    _run(tree, "--sdist", output=output, time=time)


def _build_wheels(tree: Path, output: Path, *, time: int) -> None:
    for project in (tree, tree / LAUNCHERS):
        _run(project, "--wheel", output=output, time=time)


def _run(project: Path, *words: str, output: Path, time: int) -> None:
    # What builds is installed beside us, from a list with hashes: nothing is fetched.
    command = [sys.executable, "-m", "build", "--no-isolation", *words]
    done = subprocess.run(
        [*command, "--outdir", output, project],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(time)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"{project.name} can't be built: {(done.stdout + done.stderr)[-4000:]}")
