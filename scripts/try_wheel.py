"""Tries the shim that is installed, on any system: prints what must be alike on all of them.

What asks for a full launcher says where to get it, if only lambda-shim is installed.

python -P scripts/try_wheel.py

Each command's exit status and output, and the hash of each file that it wrote.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

COMMANDS = """\
launcher --arch x86_64 -o launcher
launcher --arch arm64 -o launcher-arm64
launcher --arch arm64 --flavour full -o launcher-full
layer -o layer.zip
pack programs -o function.zip
pack programs --flavour full -o full.zip
check function.zip --json
check function.zip --handler bin/orders --runtime provided.al2023
check function.zip --handler nothing --runtime provided.al2023
check nowhere.zip
"""


def main() -> None:
    """Run every command in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "programs" / "bin").mkdir(parents=True)
        (folder / "programs" / "bin" / "orders").write_bytes(b"#!/bin/sh\nexec sleep 1\n")
        (folder / "programs" / "data.txt").write_bytes(b"lines\r\nas they are\n")
        for line in COMMANDS.splitlines():
            _run(line, folder)
        for path in sorted(filter(Path.is_file, folder.rglob("*"))):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            print(digest, path.relative_to(folder).as_posix())


def _run(line: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "shim", *line.split()],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    print(f"$ shim {line}", done.stdout, done.stderr, f"exit status {done.returncode}", sep="\n")


if __name__ == "__main__":
    main()
