"""Root folders of real Debian releases, made by mmdebstrap once and kept outside the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from shim.arch import Arch
from shim.check.runtimes import loader_of, read_runtimes
from tests.debian import ARCHITECTURES, release_tar
from tests.requirements import require

RELEASES = {"debian-bookworm": "bookworm", "debian-bullseye": "bullseye"}


def cache_folder() -> Path:
    """Where roots and programs are kept: SHIM_TEST_CACHE, else the user's cache."""
    named = os.environ.get("SHIM_TEST_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "lambda-shim-tests"


def require_roots(arch: Arch) -> None:
    """Skip, or fail, where root folders of that architecture can't be made and entered."""
    require(os.geteuid() == 0, "entering a root folder needs root")
    require(shutil.which("mmdebstrap") is not None, "mmdebstrap is not installed")
    if arch is Arch.ARM64:
        emulated = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists()
        require(emulated, "arm64 programs don't run here: qemu-user-static and binfmt_misc")
        require(shutil.which("arch-test") is not None, "arch-test is not installed")


def root_tar(runtime: str, arch: Arch) -> Path:
    """The release's root folder as a tar."""
    release = RELEASES[runtime]
    tar = cache_folder() / "roots" / f"{release}-{ARCHITECTURES[arch]}.tar"
    return release_tar(tar, release, arch)


def unpack_root(runtime: str, arch: Arch, folder: Path) -> Path:
    """A root folder below `folder`, with empty /var/task and /opt; without devices."""
    root = folder / f"{runtime}-{arch}"
    if not root.exists():
        root.mkdir(parents=True)
        command = ["tar", "-xf", str(root_tar(runtime, arch)), "-C", str(root), "--exclude=./dev/*"]
        subprocess.run(command, check=True)
        for name in ("var/task", "opt", "proc", "dev"):
            (root / name).mkdir(parents=True, exist_ok=True)
        root.chmod(0o755)
    return root


def system_files(runtime: str, arch: Arch, root: Path) -> dict[str, bytes]:
    """The release's own linker and C library, for packages that bring them along."""
    folder = read_runtimes()[runtime].folders(arch)[0]
    names = {"loader": loader_of(arch).rpartition("/")[2], "libc": "libc.so.6"}
    return {key: (root / folder[1:] / name).read_bytes() for key, name in names.items()}
