"""What must answer in the name of Lambda's machine: its shell, and the other architecture."""

from __future__ import annotations

import os
import shlex
import shutil
import struct
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.elf import HEADER_SIZE, ElfInvalid, read_header
from shim.emulate import linux
from shim.emulate.machine import host_arch

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXIT_0 = {
    Arch.X86_64: bytes.fromhex("31ff 6a3c 58 0f05"),  # xor edi, edi; push 60; pop rax; syscall
    Arch.ARM64: bytes.fromhex("000080d2 a80b80d2 010000d4"),  # mov x0, 0; mov x8, 93; svc 0
}
_NAMES_US = (
    "`uname` and the shell name this machine, not {arch} ({cause}): "
    "a `bootstrap` that asks them takes the wrong program"
)
_OTHER_SHELL = "`sh` is {shell} here, and bash on Lambda ({cause})"
_OUR_BASH = (
    "`sh` is this machine's bash, which names this machine in $HOSTTYPE; a bash for {arch} "
    "(Debian and Ubuntu: the package bash-static:{debian}) takes its place where there is one"
)
_NO_BASH = "bash is not installed, which on Lambda is `sh`"
_BASH = ("bash", "bash-static")
_DEBIAN = {Arch.X86_64: "amd64", Arch.ARM64: "arm64"}
_PROBE_SECONDS = 10
_SEARCHED = "/usr/local/bin:/usr/bin:/bin"
_ADDRESS, _PROGRAM_HEADER_SIZE = 0x400000, 56


def can_run(arch: Arch) -> bool:
    """Whether a program for `arch` starts here, by itself or through qemu: one is tried."""
    program = os.memfd_create("shim-probe", 0)
    try:
        os.write(program, _smallest_program(arch))
        path = f"/proc/self/fd/{program}"
        subprocess.run([path], pass_fds=[program], check=True, timeout=_PROBE_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return False
    else:
        return True
    finally:
        os.close(program)


def name_notes(arch: Arch, *, cause: str) -> tuple[str, ...]:
    """What to say where nothing can be put in front of this machine's `uname` and `sh`."""
    if arch != host_arch():
        return (_NAMES_US.format(arch=arch, cause=cause),)
    shell = _our_shell().name
    return () if shell in _BASH else (_OTHER_SHELL.format(shell=shell, cause=cause),)


def mount_over(root: str, arch: Arch) -> tuple[str, ...]:
    """Let `sh` below `root` be bash, and it and `uname` answer for `arch`; returns notes.

    The programs of the package run for real, the host's shell and tools are for the host.
    """
    stand_ins, notes = _stand_ins(arch)
    if not stand_ins:
        return notes
    folder = f"{root}/tmp"  # hidden before the function starts by its own /tmp
    linux.mount("tmpfs", folder, kind="tmpfs", options="mode=755")
    try:
        for path, programs in _by_folder(stand_ins).items():
            layer = Path(folder, path.replace("/", "-"))
            layer.mkdir()
            for name, program in programs.items():
                _put(layer / name, program)
            below = f"{root}{path}"
            linux.mount("overlay", below, kind="overlay", options=f"lowerdir={layer}:{below}")
    except OSError as error:
        return name_notes(arch, cause=str(error.strerror))
    return notes


def _stand_ins(arch: Arch) -> tuple[dict[str, str | Path], tuple[str, ...]]:
    """By path on the host: what stands in front, a script or the program itself; and notes."""
    found: dict[str, str | Path] = {}
    if arch != host_arch() and (uname := shutil.which("uname", path=_SEARCHED)):
        script = (Path(__file__).parent / "uname.sh").read_text("utf-8")
        # This machine's own shell is the faster one.
        found[uname] = f"#!{_our_shell()}\nmachine={arch.machine}\n{script}"
    if bash := _find_bash(arch):
        return found if bash == _our_shell() else found | {"/bin/sh": bash}, ()
    ours = host_arch()
    if ours is None or not (bash := _find_bash(ours)):
        return found, (_NO_BASH,)
    # A bash knows for which machine it was built, and says so in read-only variables. Without
    # brace expansion it is none that our `bootstrap` would ask.
    word = shlex.quote(str(bash))
    found["/bin/sh"] = f'#!{bash}\nexec -a sh {word} +B "$@"\n'
    return found, (_OUR_BASH.format(arch=arch, debian=_DEBIAN[arch]),)


def _find_bash(arch: Arch) -> Path | None:
    """A bash that is a program for `arch`."""
    for name in _BASH:
        for folder in _SEARCHED.split(":"):
            path = Path(folder, name)
            with suppress(OSError, ElfInvalid), path.open("rb") as file:
                if read_header(file.read(HEADER_SIZE)).arch == arch:
                    return path.resolve()
    return None


def _our_shell() -> Path:
    return Path("/bin/sh").resolve()


def _by_folder(paths: Mapping[str, str | Path]) -> dict[str, dict[str, str | Path]]:
    """What stands in, by the real folder of the host that it goes over."""
    folders: dict[str, dict[str, str | Path]] = {}
    for path, program in paths.items():
        folder, name = os.path.split(path)
        folders.setdefault(os.path.realpath(folder), {})[name] = program
    return folders


def _put(path: Path, program: str | Path) -> None:
    if isinstance(program, Path):
        path.symlink_to(program)
        return
    path.write_text(program, "utf-8")
    path.chmod(0o755)


def _smallest_program(arch: Arch) -> bytes:
    """A static ELF executable that exits with status 0."""
    start = HEADER_SIZE + _PROGRAM_HEADER_SIZE
    code = _EXIT_0[arch]
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    sizes = (HEADER_SIZE, _PROGRAM_HEADER_SIZE, 1, 0, 0, 0)
    header = (2, arch.elf_machine, 1, _ADDRESS + start, HEADER_SIZE, 0, 0, *sizes)
    segment = (1, 5, 0, _ADDRESS, _ADDRESS, start + len(code), start + len(code), 0x1000)
    return (
        identity
        + struct.pack("<HHIQQQIHHHHHH", *header)
        + struct.pack("<IIQQQQQQ", *segment)
        + code
    )
