"""The other architecture on this machine: can it run, and what must answer in its name."""

from __future__ import annotations

import os
import platform
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
from shim.errors import MachineError
from shim.package.extract import read_head

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_0 = {
    Arch.X86_64: bytes.fromhex("31ff 6a3c 58 0f05"),  # xor edi, edi; push 60; pop rax; syscall
    Arch.ARM64: bytes.fromhex("000080d2 a80b80d2 010000d4"),  # mov x0, 0; mov x8, 93; svc 0
}
_NOT_ASKED = (
    "`uname` and the shell name this machine, not {arch} ({cause}): "
    "a `bootstrap` that asks them takes the wrong program"
)
_PROBE_SECONDS = 10
_SEARCHED = "/usr/local/bin:/usr/bin:/bin"
_ADDRESS, _PROGRAM_HEADER_SIZE = 0x400000, 56


def host_arch() -> Arch | None:
    """This machine's architecture; None where Lambda has none like it."""
    return Arch.from_machine(platform.machine())


def required_host_arch() -> Arch:
    """This machine's architecture, for which there must be an emulator."""
    if arch := host_arch():
        return arch
    raise MachineError(f"there is no AWS emulator for a machine like this: {platform.machine()}")


def default_arch(package: Path, layers: Sequence[Path]) -> Arch:
    """The architecture of the `bootstrap` that Lambda would start, else this machine's own."""
    for source in (package, *reversed(layers)):
        if head := read_head(source, "bootstrap", HEADER_SIZE):
            with suppress(ElfInvalid):
                return read_header(head).arch or required_host_arch()
            break
    return required_host_arch()


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
    """What to say where `uname` and `sh` can't answer as on a machine of `arch`."""
    if arch == host_arch():
        return ()
    return (_NOT_ASKED.format(arch=arch, cause=cause),)


def mount_over(root: str, arch: Arch) -> tuple[str, ...]:
    """Let `uname` and `sh` below `root` answer as on a machine of `arch`; returns notes.

    The programs of the package run for real, the host's shell and tools are for the host.
    """
    if arch == host_arch():
        return ()
    folder = f"{root}/tmp"  # hidden before the function starts by its own /tmp
    linux.mount("tmpfs", folder, kind="tmpfs", options="mode=755")
    try:
        for place, programs in _stand_ins(arch).items():
            layer = Path(folder, place.replace("/", "-"))
            layer.mkdir()
            for name, text in programs.items():
                (layer / name).write_text(text, "utf-8")
                (layer / name).chmod(0o755)
            below = f"{root}{place}"
            linux.mount("overlay", below, kind="overlay", options=f"lowerdir={layer}:{below}")
    except OSError as error:
        return name_notes(arch, cause=str(error.strerror))
    return ()


def _stand_ins(arch: Arch) -> dict[str, dict[str, str]]:
    """For each folder of the host: the programs to put in front of its own, as scripts."""
    places: dict[str, dict[str, str]] = {}
    if uname := shutil.which("uname", path=_SEARCHED):
        script = (Path(__file__).parent / "uname.sh").read_text("utf-8")
        folder = os.path.realpath(Path(uname).parent)
        places.setdefault(folder, {})["uname"] = f"#!/bin/sh\nmachine={arch.machine}\n{script}"
    asked = subprocess.run(["/bin/sh", "-c", "echo $BASH_VERSION"], capture_output=True, check=True)
    if asked.stdout.strip():
        # A bash knows for which machine it was built, and says so in read-only variables. Without
        # brace expansion it is none that our `bootstrap` would ask.
        bash = shlex.quote(os.path.realpath("/bin/sh"))
        folder = os.path.realpath("/bin")
        places.setdefault(folder, {})["sh"] = f'#!{bash}\nexec -a sh {bash} +B "$@"\n'
    return places


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
