"""Checks a launcher that was built: what it is and what its launch path can reach.

`python build/verify.py FILE…` checks launchers by their names, `lean-x86_64` say. The full
launcher is checked once more before it is stripped, when its symbols still tell where its entry is.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from lean import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

MACHINES = {"x86_64": "EM_X86_64", "arm64": "EM_AARCH64"}
EXECUTABLE, WRITABLE = 1, 2  # of a segment: PF_X, PF_W
SECTION_WRITABLE = 1  # SHF_WRITE
PAGE = 4096

LEAN_SIZE = 4096
FULL_SIZE = 6_000_000
FULL_ZIPPED = 2_500_000
"""Bytes, at most (docs/why/full-launcher.md, "What it costs")."""

READ_AHEAD = 128 * 1024
"""Bytes from the ELF header that one cold read brings: the entry has to lie there."""


def verify_lean(path: Path, *, arch: str) -> None:
    """Raise `BuildError` with all that is wrong with this lean launcher."""
    _verify(path, arch=arch, size=LEAN_SIZE)


def verify_full(path: Path, *, arch: str) -> None:
    """The same for a full launcher, stripped or with its symbols."""
    _verify(path, arch=arch, size=None if _has_symbols(path) else FULL_SIZE)


def verify_launch_path(path: Path) -> None:
    """Raise `BuildError` where the launch path, a linked object, refers to more than `_start`.

    Its sections are those that the entry reaches: so neither Python nor libc can be called before
    an exec has failed. It has no data either: nothing of it is written to.
    """
    with path.open("rb") as file:
        elf: Any = ELFFile(file)
        symbols = elf.get_section_by_name(".symtab").iter_symbols()
        missing = {symbol.name for symbol in symbols if symbol["st_shndx"] == "SHN_UNDEF"} - {""}
        written = [
            section.name
            for section in elf.iter_sections()
            if section["sh_flags"] & SECTION_WRITABLE and section["sh_size"]
        ]
    if strange := sorted(missing - {"_start"}):
        raise BuildError(f"the launch path refers to what it must not: {', '.join(strange)}")
    if written:
        raise BuildError(f"the launch path has data that is written to: {', '.join(written)}")


def _verify(path: Path, *, arch: str, size: int | None) -> None:
    data = path.read_bytes()
    try:
        with path.open("rb") as file:
            problems = list(_problems(ELFFile(file), arch=arch))
    except ELFError as error:
        problems = [f"is not an ELF file: {error}"]
    if size is not None and len(data) > size:
        problems.append(f"has {len(data)} bytes, over {size}")
    if size == FULL_SIZE and (zipped := len(zlib.compress(data, 9))) > FULL_ZIPPED:
        problems.append(f"has {zipped} bytes zipped, over {FULL_ZIPPED}")
    if problems:
        raise BuildError(f"the launcher is wrong: {path}: it " + "; it ".join(problems))


def _problems(elf: Any, *, arch: str) -> Iterator[str]:
    if elf["e_machine"] != MACHINES[arch]:
        yield f"is for {elf['e_machine']}, not {MACHINES[arch]}"
    if elf["e_type"] != "ET_EXEC":
        yield f"is not a program at a fixed address: {elf['e_type']}"
    segments = list(elf.iter_segments())
    kinds = {segment["p_type"] for segment in segments}
    for kind, what in (("PT_INTERP", "an interpreter"), ("PT_DYNAMIC", "shared libraries")):
        if kind in kinds:
            yield f"asks for {what}"
    stacks = [segment for segment in segments if segment["p_type"] == "PT_GNU_STACK"]
    if not stacks or stacks[0]["p_flags"] & EXECUTABLE:
        yield "has an executable stack"
    loads = [segment for segment in segments if segment["p_type"] == "PT_LOAD"]
    for load in loads:
        if load["p_flags"] & EXECUTABLE and load["p_flags"] & WRITABLE:
            yield "has a segment that is writable and executable"
        if load["p_memsz"] > load["p_filesz"] and (load["p_vaddr"] + load["p_filesz"]) % PAGE:
            yield "has a `.bss` that does not begin on a page of its own"
    yield from _entry_problems(elf, loads)


def _entry_problems(elf: Any, loads: list[Any]) -> Iterator[str]:
    entry = elf["e_entry"]
    holder = [load for load in loads if 0 <= entry - load["p_vaddr"] < load["p_filesz"]]
    if not holder or not holder[0]["p_flags"] & EXECUTABLE:
        yield "has its entry outside its code"
    elif entry - holder[0]["p_vaddr"] + holder[0]["p_offset"] > READ_AHEAD:
        yield "has its entry far from its ELF header"
    table = elf.get_section_by_name(".symtab")
    if table is not None:
        ours = table.get_symbol_by_name("shim_entry")
        if not ours or ours[0]["st_value"] != entry:
            yield "has another entry than the launch path"


def _has_symbols(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return ELFFile(file).get_section_by_name(".symtab") is not None
    except ELFError:
        return False


def main() -> None:
    """Check the launchers named on the command line."""
    for path in map(Path, sys.argv[1:]):
        flavour, _, arch = path.name.partition("-")
        try:
            if flavour not in {"lean", "full"} or arch not in MACHINES:
                raise BuildError(f"name it lean- or full-, and the architecture: {path}")
            (verify_lean if flavour == "lean" else verify_full)(path, arch=arch)
        except BuildError as error:
            sys.exit(f"error: {error}")
        print(f"{path}: as it should be")


if __name__ == "__main__":
    main()
