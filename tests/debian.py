"""Debian's releases as root file systems, by mmdebstrap from the mirror that apt uses here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from tests.kept import kept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ARCHITECTURES = {Arch.X86_64: "amd64", Arch.ARM64: "arm64"}
"""As Debian calls them."""


def release_tar(tar: Path, release: str, arch: Arch, *, include: Sequence[str] = ()) -> Path:
    """`tar`, made if it isn't there, of the release's smallest set of packages and of `include`."""
    words = ["--variant=minbase", f"--arch={ARCHITECTURES[arch]}", "--quiet"]
    words += [f"--include={package}" for package in include]

    def make(part: Path) -> None:
        subprocess.run(["mmdebstrap", *words, release, part, _mirror()], check=True)

    return kept(tar, make)


def installed_files(*roots: Path) -> Iterator[Path]:
    """Every regular file below: some may be gone when they are read, where apt is at work."""
    for root in roots:
        for folder, _, names in os.walk(root):
            yield from (path for name in names if (path := Path(folder, name)).is_file())


def _mirror() -> str:
    """The first one that this system's own apt uses."""
    for source in sorted(Path("/etc/apt").rglob("*.sources")):
        for line in source.read_text().splitlines():
            if line.lower().startswith("uris:"):
                return line.split()[1]
    raise AssertionError("no Debian mirror is configured in /etc/apt")
