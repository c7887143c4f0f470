"""What a file is, as far as it decides whether an exec of it can work.

Part of the full launcher, like explain.py: built-in modules and `os` only, and every read bounded.
"""

import os

TYPE_CHECKING = False  # mypy takes it for true; the module `typing` would be frozen too
if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[int, int], bytes]

MACHINES = {62: "x86_64", 183: "arm64"}
"""`e_machine` of Lambda's architectures (ELF gABI: EM_X86_64, EM_AARCH64)."""

PT_DYNAMIC, PT_INTERP, ET_EXEC, ET_DYN, SHT_GNU_VERNEED = 2, 3, 2, 3, 0x6FFFFFFE
DT_NULL, DT_DEBUG, DT_FLAGS_1, DF_1_PIE = 0, 21, 0x6FFFFFFB, 0x08000000

HEAD_LIMIT = 4096
"""Bytes that are read of a file's beginning: its ELF and program headers, its first line."""

TABLE_LIMIT = 65536
"""Bytes that are read of any other part of an ELF file."""

ENTRY_LIMIT = 512
"""Entries of a table that are looked at: real programs have some dozens."""

FOREIGN = (
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a macOS program or a Java class"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"!<arch>", "a library of object files"),
    (b"\xef\xbb\xbf#!", "a script with a byte order mark before its `#!`"),
    (b"\0asm", "a WebAssembly module"),
)
"""How files begin that people put where a Linux program belongs."""


class Program:
    """A file's kind (`elf`, `script`, or neither) and what follows from its first bytes."""

    kind = ""
    machine = 0
    """`e_machine` of an ELF file."""
    interpreter = b""
    """The program that the kernel starts instead: of an ELF file or a `#!` line."""
    has_carriage_return = False
    """Whether the `#!` line ends as Windows ends lines."""
    is_library = False
    """Whether this ELF file is a shared library: by the rule of shim/package/program.py."""
    glibc: tuple[int, ...] = ()
    """The newest version of glibc whose symbols it needs, such as `(2, 34)`; empty for none."""
    problem = ""
    """What it is instead of a program for Lambda, in words; empty where nothing is wrong."""

    @property
    def arch(self) -> str:
        """The architecture that Lambda's API would call it; `any` for a script."""
        if self.kind == "script":
            return "any"
        return MACHINES.get(self.machine, f"ELF machine {self.machine}")


def read_program(path: bytes, *, in_full: bool = False) -> Program | None:
    """What lies at `path`; None where it can't be read. The glibc version only `in_full`."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return parse_program(lambda start, size: os.pread(file, size, start), in_full=in_full)
    except (OSError, ValueError, OverflowError):
        return None
    finally:
        os.close(file)


def parse_program(read: "Reader", *, in_full: bool = False) -> Program:
    """What the bytes are that `read(start, size)` gives; it may give fewer at the end."""
    head = read(0, HEAD_LIMIT)
    program = Program()
    if head.startswith(b"\x7fELF"):
        program.kind = "elf"
        _read_elf(program, head, read)
        if in_full and not program.problem:
            program.glibc = _newest_glibc(head, read)
    elif head.startswith(b"#!"):
        program.kind = "script"
        line = head[2:].split(b"\n", 1)[0]
        words = line.strip(b" \t").split(None, 1)
        program.interpreter = line.strip(b" \t").split(b" ")[0].split(b"\t")[0] if words else b""
        program.has_carriage_return = line.endswith(b"\r")
    else:
        program.problem = _foreign(head)
    return program


def _foreign(head: bytes) -> str:
    if not head:
        return "an empty file"
    for magic, words in FOREIGN:
        if head.startswith(magic):
            return words
    if b"\0" in head:
        return "no program for Linux"
    return "a text file without a `#!` line"


def _number(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _read_elf(program: Program, head: bytes, read: "Reader") -> None:
    program.machine = _number(head, 18, 2)
    kind = _number(head, 16, 2)
    if len(head) < 64:
        program.problem = "an ELF file that is cut off"
    elif head[4] != 2:
        program.problem = "a 32-bit program"
    elif head[5] != 1:
        program.machine = 0
        program.problem = "a big-endian program"
    elif kind not in {ET_EXEC, ET_DYN}:
        program.problem = "an object file that is not linked yet, no program"
    if program.problem:
        return
    size, count = _number(head, 54, 2), min(_number(head, 56, 2), ENTRY_LIMIT)
    table = read(_number(head, 32, 8), size * count)
    is_marked = True  # what has no dynamic section, nothing could load: UPX leaves programs so
    for start in range(0, len(table), max(size, 1)):
        if _number(table, start, 4) == PT_INTERP:
            program.interpreter = _segment(table, start, read).split(b"\0", 1)[0]
        elif _number(table, start, 4) == PT_DYNAMIC:
            is_marked = _is_marked(_segment(table, start, read))
    is_movable = kind == ET_DYN
    has_start = bool(program.interpreter) or _number(head, 24, 8) != 0
    program.is_library = is_movable and not (has_start and is_marked)


def _segment(table: bytes, start: int, read: "Reader") -> bytes:
    wanted = min(_number(table, start + 32, 8), TABLE_LIMIT)
    found: bytes = read(_number(table, start + 8, 8), wanted)
    return found


def _is_marked(dynamic: bytes) -> bool:
    """Whether the linker made a program of it: no library gets a `DT_DEBUG`, nor `DF_1_PIE`."""
    for start in range(0, len(dynamic), 16):
        tag, value = _number(dynamic, start, 8), _number(dynamic, start + 8, 8)
        if tag == DT_NULL:
            break
        if tag == DT_DEBUG or (tag == DT_FLAGS_1 and value & DF_1_PIE):
            return True
    return False


def _newest_glibc(head: bytes, read: "Reader") -> tuple[int, ...]:
    """The newest `GLIBC_…` that section `.gnu.version_r` names, found by way of the sections."""
    size, count = _number(head, 58, 2), min(_number(head, 60, 2), ENTRY_LIMIT)
    table = read(_number(head, 40, 8), size * count)
    newest: tuple[int, ...] = ()
    for start in range(0, len(table), max(size, 1)):
        if _number(table, start + 4, 4) == SHT_GNU_VERNEED:
            names = _section(table, _number(table, start + 40, 4) * size, read)
            for name in _needed(_section(table, start, read), names):
                newest = max(newest, _version(name))
    return newest


def _section(table: bytes, start: int, read: "Reader") -> bytes:
    wanted = min(_number(table, start + 32, 8), TABLE_LIMIT)
    found: bytes = read(_number(table, start + 24, 8), wanted)
    return found


def _needed(data: bytes, names: bytes) -> list[bytes]:
    """The version names in a chain of `Elf64_Verneed`, each with its chain of `Elf64_Vernaux`."""
    found: list[bytes] = []
    library = 0
    while len(found) < ENTRY_LIMIT:
        entry = library + _number(data, library + 8, 4)
        while len(found) < ENTRY_LIMIT:
            name = _number(data, entry + 8, 4)
            found.append(names[name : name + 32].split(b"\0", 1)[0])
            step = _number(data, entry + 12, 4)
            if not step:
                break
            entry += step
        step = _number(data, library + 12, 4)
        if not step:
            break
        library += step
    return found


def _version(name: bytes) -> tuple[int, ...]:
    parts = name.removeprefix(b"GLIBC_").split(b".")
    if not name.startswith(b"GLIBC_") or not all(part.isdigit() for part in parts):
        return ()
    return tuple(int(part) for part in parts)
