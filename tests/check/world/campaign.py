"""Programs that nobody here made, each verdict beside what readelf says of the same file.

    python -m tests.check.world.campaign FOLDER [--arch ARCH] [--only NAME]

fetches what sources.toml names into FOLDER, once, and checks every program in it as a handler on
each supported runtime: answer and codes must be those that follow from readelf's text.
"""

from __future__ import annotations

import argparse
import stat
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from shim.arch import Arch
from shim.check.findings import CODES, Severity
from shim.check.runtimes import Runtime, loader_of, read_runtimes
from shim.check.state import State
from shim.check.verdict import verdict
from shim.package.contents import FileContent, MemoryContent
from shim.package.read import Entry, Package
from tests.check.builders import launcher
from tests.check.world.corpus import elf_files, fetched, read_sources
from tests.check.world.readelf import Said, readelf

HANDLER = "bin/program"


@dataclass(kw_only=True, slots=True)
class Tally:
    """What was seen."""

    programs: Counter[str] = field(default_factory=Counter)
    """By registry and architecture."""
    libraries: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def state_with(program: Path, *, arch: Arch, runtime: Runtime) -> State:
    """A state whose handler is `program`, alone in its package behind a launcher."""
    bootstrap = launcher(arch)
    entries = (
        Entry(
            name="bootstrap",
            kind=stat.S_IFREG,
            mode=0o755,
            size=len(bootstrap),
            content=MemoryContent(data=bootstrap),
        ),
        Entry(
            name=HANDLER,
            kind=stat.S_IFREG,
            mode=0o755,
            size=program.stat().st_size,
            content=FileContent(path=program),
        ),
    )
    package = Package(path="package.zip", entries=entries, zipped=1)
    return State(package=package, arch=arch, runtime=runtime, handler=HANDLER)


def expected_codes(said: Said, *, arch: Arch, runtime: Runtime) -> set[str]:
    """Codes of what keeps it from starting, or may, by readelf's words and the runtime's lists."""
    if not said.is_64_bit_little_endian:
        return {"elf-not-64-bit"}
    if said.machine != arch:
        return {"handler-wrong-architecture"}
    if said.kind not in {"EXEC", "DYN"}:
        return {"elf-not-executable"}
    if not said.is_sound:
        return {"elf-invalid"}
    if said.interpreter not in {None, loader_of(arch)}:
        return {"interpreter-missing"}
    if not said.is_linux:
        return {"program-not-linux"}
    if is_library(said):
        return {"elf-not-executable"}
    if not said.has_entry:
        return {"elf-invalid"}
    return set() if said.interpreter is None else _linking_codes(said, arch=arch, runtime=runtime)


def is_library(said: Said) -> bool:
    """Whether it is made to be loaded, not started."""
    if said.kind != "DYN" or said.is_pie:
        return False
    return said.soname is not None or said.interpreter is None


def _linking_codes(said: Said, *, arch: Arch, runtime: Runtime) -> set[str]:
    # The linker itself is there already.
    offered = {*runtime.listing(arch).libraries, PurePath(loader_of(arch)).name}
    codes = {"library-missing" for one in said.needed if one not in offered}
    for library, versions in said.versions.items():
        for version in versions if library in offered else ():
            is_there = runtime.defines(library, version, arch)
            if is_there is None:
                codes.add("library-version-unknown")
            elif not is_there:
                codes.add(_version_code(library))
    return codes


def _version_code(library: str) -> str:
    glibc = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1"}
    if library in glibc or library.startswith("ld-linux"):
        return "glibc-too-new"
    return "libstdcxx-too-new" if library == "libstdc++.so.6" else "library-version"


def compare(path: Path, *, arch: Arch, registry: str, tally: Tally) -> None:
    """Hold one ELF file's verdicts against readelf's words."""
    said = readelf(path)
    kind = tally.libraries if is_library(said) else tally.programs
    kind[f"{registry} {arch}"] += 1
    for runtime in (one for one in read_runtimes().values() if not one.is_test):
        if arch not in runtime.architectures or runtime.runs_handler:
            continue
        answer = verdict(state_with(path, arch=arch, runtime=runtime))
        found = {
            one.code
            for one in answer.findings
            if one.severity in {Severity.ERROR, Severity.UNKNOWN} and one.code in CODES
        }
        expected = expected_codes(said, arch=arch, runtime=runtime)
        tally.answers[f"{runtime.name}: {answer.answer}"] += 1
        tally.codes.update(found)
        if found != expected:
            tally.differences.append(f"{path} {runtime.name}: {found} beside {expected}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", type=Arch, choices=list(Arch), action="append")
    parser.add_argument("--only", metavar="NAME", help="one package of sources.toml")
    arguments = parser.parse_args()
    tally = Tally()
    for arch in arguments.arch or Arch:
        for source in read_sources(arch):
            if arguments.only not in {None, source.name}:
                continue
            folder = fetched(source, arguments.folder)
            if folder is None:
                tally.left_out.append(source.folder)
                continue
            for path in elf_files(folder):
                compare(path, arch=arch, registry=source.registry, tally=tally)
    for line in tally.differences:
        print(line)
    for name in ("programs", "libraries", "answers", "codes"):
        print(f"{name}: {dict(sorted(getattr(tally, name).items()))}")
    print(f"not to be had: {len(tally.left_out)} of sources.toml")
    print(f"{len(tally.differences)} differences")
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
