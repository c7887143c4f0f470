"""Starts a state for real: laid out in a root folder, `bootstrap` executed as Lambda does it."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.runtimes import read_service
from shim.package.names import parts_of
from tests.check.oracle.linked import LOADER
from tests.check.oracle.programs import TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shim.check.state import State
    from shim.package.read import Package

NOBODY = 65534
_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x20000
_MS_PRIVATE = 0x4000 | 1 << 18  # MS_REC | MS_PRIVATE
_FOREIGN_MACHINE = 243  # EM_RISCV
_MACHINE_AT = 18  # e_machine in the ELF header
_MUSL = b"/lib/ld-musl-aarch64.so.1"  # in no Debian root folder


@dataclass(kw_only=True)
class RealStart:
    """What came of it."""

    ran: bool
    output: str


def start_for_real(state: State, root: Path, *, timeout: float) -> RealStart:
    """Lay the packages out in `root` and start the function there, as a user who owns nothing."""
    _lay_out(root / "var/task", (state.package,), state)
    _lay_out(root / "opt", state.layers, state)
    _make_null(root / "dev/null")
    extensions = root / "opt/extensions"
    names = sorted(path.name for path in extensions.iterdir()) if extensions.is_dir() else []
    environment = _environment(state)
    output = ""
    programs = [f"/opt/extensions/{name}" for name in names]
    programs = [program for program in programs if not (root / program[1:]).is_dir()]
    if len(programs) > read_service().extensions:
        return RealStart(ran=False, output="Extension.TooManyExtensions, as Lambda has it")
    for program in programs:
        said = _run(root, (program,), environment, timeout=timeout)
        output += said
        if TOKEN not in said:
            return RealStart(ran=False, output=output)
    said = _run(root, ("/var/task/bootstrap", "/opt/bootstrap"), environment, timeout=timeout)
    return RealStart(ran=TOKEN in said, output=output + said)


def _make_null(path: Path) -> None:
    """What shells open for commands in the background; the release's tar has none that works."""
    if not path.is_char_device():
        path.unlink(missing_ok=True)
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.chmod(0o666)


def _lay_out(folder: Path, packages: tuple[Package, ...], state: State) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    folder.chmod(0o755)
    modes: dict[Path, int] = {}
    for package in packages:
        for entry in package.entries:
            target = folder.joinpath(*parts_of(entry.name))
            _make_way(folder, target, is_folder=stat.S_ISDIR(entry.kind))
            if stat.S_ISDIR(entry.kind):
                target.mkdir(exist_ok=True)
                modes[target] = entry.mode
                continue
            data = entry.read(0, entry.size)
            if stat.S_ISLNK(entry.kind):
                target.symlink_to(os.fsdecode(data))
                continue
            target.write_bytes(_as_foreign(data, state))
            target.chmod(entry.mode)
    for path, mode in modes.items():
        if path.is_dir() and not path.is_symlink():
            path.chmod(mode)


def _make_way(folder: Path, target: Path, *, is_folder: bool) -> None:
    """Make the folders above, and take away what an earlier layer has in the way."""
    parents = [path for path in target.parents if path.is_relative_to(folder) and path != folder]
    for path in (*reversed(parents), *([target] if is_folder else [])):
        if path.is_symlink() or path.is_file():
            path.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    if not is_folder:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        target.unlink(missing_ok=True)


def as_refused(data: bytes, state: State) -> bytes:
    """What Linux refuses, and this machine would start or end in its own way.

    That is a program for Windows, where mono or wine is registered for them; and an arm64 program
    without its interpreter, which qemu starts, to end with a message of its own. A script without
    its interpreter is refused like it: ENOENT.
    """
    if data.startswith(b"MZ"):
        return b"M\0" + data[2:]
    if state.arch is Arch.ARM64 and data.startswith(b"\x7fELF"):
        for missing in _missing_interpreters(state):
            if missing + b"\0" in data:
                return b"#!" + missing + b"\n"
    return data


def _as_foreign(data: bytes, state: State) -> bytes:
    """As `as_refused`; the other architecture's programs, which qemu would start, are too."""
    data = as_refused(data, state)
    machine = int.from_bytes(data[_MACHINE_AT : _MACHINE_AT + 2], "little")
    if data.startswith(b"\x7fELF") and machine in {62, 183} - {state.arch.elf_machine}:
        patched = bytearray(data)
        patched[_MACHINE_AT : _MACHINE_AT + 2] = _FOREIGN_MACHINE.to_bytes(2, "little")
        return bytes(patched)
    return data


def _missing_interpreters(state: State) -> list[bytes]:
    """Of those that programs of the generator's name, the ones that are not there."""
    own = state.package.names.get(LOADER.removeprefix("/var/task/"))
    is_there = own is not None and (not stat.S_ISLNK(own.kind) or own.read(0, 9) != b"nowhere")
    return [_MUSL] if is_there else [_MUSL, LOADER.encode()]


def _environment(state: State) -> Mapping[str, str]:
    environment = {
        "LAMBDA_TASK_ROOT": "/var/task",
        "PATH": ":".join(read_service().path),
        "LD_LIBRARY_PATH": ":".join(read_service().library_path),
        **dict(state.environment),
    }
    if state.handler:
        environment["_HANDLER"] = state.handler
    return environment


def _run(
    root: Path, candidates: tuple[str, ...], environment: Mapping[str, str], *, timeout: float
) -> str:
    """Execute the first candidate that is there and no folder; what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _become(root, candidates, environment, writing)
    os.close(writing)
    try:
        return _collect(reading, timeout)
    finally:
        os.close(reading)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _become(
    root: Path, candidates: tuple[str, ...], environment: Mapping[str, str], output: int
) -> None:
    """In the child: never comes back."""
    try:
        os.setpgid(0, 0)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        _mount_proc(root / "proc")
        os.chroot(root)
        os.chdir("/var/task")
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        program = next(path for path in candidates if _is_there(path))
        os.execve(program, [program], environment)
    except BaseException as error:
        os.write(2, f"not started: {error!r}\n".encode())
    os._exit(99)


def _mount_proc(folder: Path) -> None:
    """For this process and its children alone: the dynamic linker looks there for $ORIGIN."""
    shared = _LIBC.unshare(_CLONE_NEWNS)
    private = _LIBC.mount(b"none", b"/", None, _MS_PRIVATE, None)
    mounted = _LIBC.mount(b"proc", os.fsencode(folder), b"proc", 0, None)
    if shared or private or mounted:
        raise OSError(ctypes.get_errno(), "could not mount /proc")


def _is_there(path: str) -> bool:
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 - no more than the system call
    except OSError:
        return False


def _collect(reading: int, timeout: float) -> str:
    """Everything that is said until the last one has closed its end, or the time is over."""
    pieces, deadline = [], time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            piece = os.read(reading, 1 << 16)
            if not piece:
                break
            pieces.append(piece)
            if sum(map(len, pieces)) > 1 << 20:
                break
    return b"".join(pieces).decode(errors="replace")
