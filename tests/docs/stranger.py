"""Follows how-to pages as a stranger would: `python -m tests.docs.stranger WHEEL [PAGE...]`.

As root; each page in a Debian of its own with nothing but Python and what the page takes, into
which pip installs a release's wheel. Every command has to end as on the page; its output is shown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.debian import release_tar
from tests.docs.pages import ROOT
from tests.docs.session import follow
from tests.docs.stages import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = ["ca-certificates", "python3", "python3-venv"]
TOOLS = {
    "go": ["golang-go"],
    "rust": ["cargo"],
    "cpp": ["g++", "g++-aarch64-linux-gnu"],
}
"""Debian's packages that a page takes."""

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
SHIM = Path("/opt/shim")
"""The environment that the wheel is installed into."""


@contextmanager
def bare(tools: list[str]) -> Iterator[Path]:
    """The root folder of a Debian with these packages."""
    name = "-".join(tools) or "none"
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shim" / "tests"
    tar = release_tar(
        cache / f"stranger-{name}.tar", "bookworm", Arch.X86_64, include=[*PYTHON, *tools]
    )
    with TemporaryDirectory(prefix="stranger-") as folder:
        subprocess.run(["tar", "-C", folder, "-xf", tar], check=True)
        root = Path(folder)
        for path in (CERTIFICATES, Path("/etc/resolv.conf")):
            shutil.copyfile(path, root / path.relative_to("/"))
        yield root


def inside(root: Path, folder: str = "/") -> tuple[str, ...]:
    """What runs a command in a folder there: its own processes, mounts and root folder."""
    setup = (
        'mount --bind "$0" "$0" && mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc"'
        ' && exec chroot "$0" "$@"'
    )
    words = ("unshare", "--mount", "--pid", "--fork", "sh", "-c", setup, str(root))
    path = f"PATH={SHIM}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    kept = [f"{name}={value}" for name, value in os.environ.items() if name == "PIP_CERT"]
    return (*words, "env", "-i", f"--chdir={folder}", "HOME=/root", path, *kept)


def install(root: Path, wheel: Path) -> None:
    """Make an environment with the wheel in it."""
    shutil.copy(wheel, root / "tmp")
    for command in (
        ["python3", "-m", "venv", str(SHIM)],
        [str(SHIM / "bin/pip"), "install", "--quiet", f"/tmp/{wheel.name}[templates]"],
    ):
        subprocess.run([*inside(root), *command], check=True)


def try_page(page: Path, wheel: Path) -> bool:
    """Follow a page to its end; whether every command ended as it should."""
    with bare(TOOLS.get(page.stem, [])) as root, pytest.MonkeyPatch.context() as patch:
        install(root, wheel)
        scene = Scene(folder=root / "page", patch=patch, shell=inside(root, "/page"))
        scene.folder.mkdir()
        with scene.exits:
            dones = list(follow(page, scene))
    for done in dones:
        sys.stdout.write("\n".join([f"$ {done.command.text}", *done.printed, ""]))
    told = [done.command.text == "echo $?" for done in [*dones[1:], dones[0]]]
    good = all(done.status == 0 or is_told for done, is_told in zip(dones, told, strict=True))
    sys.stdout.write(f"== {page.stem}: {len(dones)} commands, {'done' if good else 'FAILED'}\n")
    return good


def main() -> int:
    """Try all pages that are named, or all that have tools."""
    wheel, *names = sys.argv[1:]
    pages = [ROOT / f"docs/how-to/{name}.md" for name in names or TOOLS]
    good = [try_page(page, Path(wheel).absolute()) for page in pages]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
