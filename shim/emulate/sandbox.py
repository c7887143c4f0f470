"""The root folder that the function sees: the host's, read-only, with Lambda's folders in it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shim.elf import HEADER_SIZE
from shim.emulate import linux, standin
from shim.emulate.disarm import disarmed
from shim.emulate.start import FUNCTION_GROUP, FUNCTION_USER, TMP_SIZE, Layout
from shim.errors import MachineError
from shim.package.extract import unpack
from shim.package.limits import read_limits

if TYPE_CHECKING:
    from collections.abc import Collection

    from shim.arch import Arch
    from shim.emulate.start import Start

# The new root is put together on top of a folder that each machine has and that is not copied.
_BASE = "/proc"
_EMPTY = ("boot", "home", "media", "mnt", "root", "srv", "opt", "proc", "tmp", "var")
"""The folders of the root that show nothing of the host's, or what is put there afterwards."""

_HOSTS = ("dev", "sys")
"""The kernel's own, the host's in every root."""

_MEMORY = linux.MS_NOSUID | linux.MS_NODEV
_FOLDER_NOTE = (
    "no mount namespaces here ({obstacle}): the package is at {task} (LAMBDA_TASK_ROOT), "
    "not at /var/task, the layers are at {layers}, not at /opt, and nothing is read-only"
)


@cache
def obstacle() -> str | None:
    """Why mount namespaces can't be had here, in the system's words; None where they can."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            leave_host()
            _mount_base()
            Path(_BASE, "tmp").mkdir()
            linux.pivot_root(_BASE, f"{_BASE}/tmp")
            status = 0
        except OSError as error:
            status = error.errno or 1
        finally:
            os._exit(status)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return os.strerror(number) if number else None


def leave_host() -> None:
    """Give this process's next child a process namespace of its own, and the right to mount.

    Who isn't root, or can't become the function's user, gets that right from a user namespace.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _exists("uid_map", FUNCTION_USER) and _exists("gid_map", FUNCTION_GROUP):
        with suppress(PermissionError):
            linux.unshare(linux.CLONE_NEWPID)
            return
    linux.unshare(linux.CLONE_NEWPID | linux.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{FUNCTION_USER} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{FUNCTION_GROUP} {group} 1", "ascii")


def enter_root(start: Start) -> Layout:
    """Build the function's root folder in memory and make it this process's own.

    Every mount is in this process's namespace, so that all of it goes when the process does.
    """
    layout = Layout()
    if start.runs_handler:
        layout = replace(layout, arguments=(f"{layout.task_root}/{start.handler}",))
    shown = start.root or Path("/")
    _mount_base()
    _mirror(str(shown), _BASE, without=(*_EMPTY, *_HOSTS))
    _mirror(str(shown / "var"), f"{_BASE}/var", without=("task",))
    for name in _HOSTS:
        linux.mount(f"/{name}", f"{_BASE}/{name}", flags=linux.MS_BIND | linux.MS_REC)
    _lay_out(start, Path(_BASE + layout.task_root), Path(_BASE + layout.layer_root))
    # Another root's own programs are for its architecture, and answer for it.
    notes = () if start.root else standin.mount_over(_BASE, start.arch)
    _make_read_only()
    linux.pivot_root(_BASE, f"{_BASE}/tmp")
    os.chdir(layout.task_root)
    _mount_proc(old_root="/tmp")
    linux.unmount("/tmp")
    linux.mount("tmpfs", "/tmp", kind="tmpfs", flags=_MEMORY, options=f"size={TMP_SIZE},mode=1777")
    _drop_rights()
    return replace(layout, notes=notes)


def fill_folder(start: Start, folder: Path, *, obstacle: str) -> Layout:
    """Unpack below `folder` instead, where `obstacle` forbids the namespaces."""
    if start.root:
        raise MachineError(f"a root folder can't be shown without mount namespaces: {obstacle}")
    task, layers = folder / "task", folder / "opt"
    for path in (folder, task, layers):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    _lay_out(start, task, layers)
    os.chdir(task)
    if start.runs_handler:
        programs = [task / start.handler]
    else:
        programs = [path / "bootstrap" for path in (task, layers)]
    return Layout(
        task_root=str(task),
        layer_root=str(layers),
        arguments=(str(next((path for path in programs if path.is_file()), programs[0])),),
        notes=(
            _FOLDER_NOTE.format(obstacle=obstacle, task=task, layers=layers),
            *standin.name_notes(start.arch, cause=obstacle),
        ),
    )


def _exists(numbers: str, wanted: int) -> bool:
    """Whether this process's user namespace has such a user or group."""
    lines = Path("/proc/self", numbers).read_text("ascii").splitlines()
    ranges = [(int(first), int(count)) for first, _, count in map(str.split, lines)]
    return any(first <= wanted < first + count for first, count in ranges)


def _lay_out(start: Start, task: Path, layers: Path) -> None:
    """Unpack the package into `task` and the layers, in order, over each other into `layers`."""
    left = read_limits().unzipped
    for source, into in ((start.package, task), *((layer, layers) for layer in start.layers)):
        left -= unpack(source, into, limit=left)
    for folder in (task, layers):
        _settle(folder, start.arch, as_others=os.geteuid() != 0)


def _drop_rights() -> None:
    """Be the user that Lambda runs functions as; who isn't root is it already, in the namespace."""
    if os.geteuid() == 0:
        for stream in (1, 2):  # so that /dev/stdout can be opened
            os.fchown(stream, FUNCTION_USER, FUNCTION_GROUP)
        os.setgroups([])
        os.setresgid(*[FUNCTION_GROUP] * 3)
        os.setresuid(*[FUNCTION_USER] * 3)
    linux.refuse_new_privileges()


def _mount_base() -> None:
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", _BASE, kind="tmpfs", flags=_MEMORY, options="size=1g,mode=755")


def _mirror(source: str, into: str, *, without: Collection[str]) -> None:
    """Show each folder of `source` in `into` too; those named in `without` are empty there.

    They are real folders there even where the host has links: what is written below them stays.
    """
    for name in without:
        Path(into, name).mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            target = Path(into, entry.name)
            if entry.name in without:
                continue
            if entry.is_symlink():
                target.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                target.mkdir()
                linux.mount(entry.path, str(target), flags=linux.MS_BIND | linux.MS_REC)


def _make_read_only() -> None:
    try:
        linux.make_read_only(_BASE)
    except OSError:  # Linux before 5.12: no more than Lambda's own folders, which are on this mount
        flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | _MEMORY
        linux.mount("", _BASE, flags=flags)


def _mount_proc(*, old_root: str) -> None:
    try:
        linux.mount("proc", "/proc", kind="proc", flags=_MEMORY | linux.MS_NOEXEC)
    except OSError:  # in a container that hides a part of it: the old one tells of more processes
        linux.mount(f"{old_root}/proc", "/proc", flags=linux.MS_BIND | linux.MS_REC)


def _settle(folder: Path, arch: Arch, *, as_others: bool) -> None:
    """Make of the unpacked files what they are on Lambda's machine, for the user that runs there.

    Programs for the other architecture don't start there, whatever this machine could do with
    them. With `as_others` the function will run as the files' owner, who may then do no more
    than what the modes say for others: on Lambda the owner is root, and the function isn't.
    """
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                continue
            mode = path.stat().st_mode & 0o777
            if path.is_file():
                _disarm(path, arch)
            path.chmod((mode & 0o7) * 0o111 if as_others else mode)


def _disarm(path: Path, arch: Arch) -> None:
    """Make the kernel refuse `path` if it is a program for another machine than `arch`."""
    path.chmod(0o600)
    with path.open("r+b") as file:
        head = file.read(HEADER_SIZE)
        if (changed := disarmed(head, arch)) != head:
            file.seek(0)
            file.write(changed)
