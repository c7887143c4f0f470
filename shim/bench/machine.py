"""What the figures were measured on: everything that somebody needs to read them rightly."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import shim
from shim.arch import Arch
from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """The machine and the versions of what was measured with."""

    arch: Arch
    cpu: str
    cpus: int
    memory_mb: int
    kernel: str
    system: str
    libc: str
    load: float
    """Processes that were running or waiting on average in the minute before."""
    python: str
    shim: str
    commit: str | None
    programs: dict[str, str]
    """What candidates are made with or run by, and its version."""


def own_arch() -> Arch:
    """This machine's architecture."""
    arch = Arch.from_machine(os.uname().machine)
    if arch is None:
        raise MachineError(f"Lambda has no machines of this architecture: {os.uname().machine}")
    return arch


def own_cpus() -> set[int]:
    """The CPUs that this process may run on."""
    return os.sched_getaffinity(0)


def describe() -> Machine:
    """This machine, now."""
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        arch=own_arch(),
        cpu=_cpu_model(Path("/proc/cpuinfo").read_text()),
        cpus=len(own_cpus()),
        memory_mb=pages * page_size // 2**20,
        kernel=f"{os.uname().release} {os.uname().version}",
        system=_system_name(),
        libc=" ".join(platform.libc_ver()).strip() or "unknown",
        load=os.getloadavg()[0],
        python=platform.python_version(),
        shim=shim.__version__,
        commit=_commit(),
        programs={name: version for name, version in _versions() if version},
    )


def _cpu_model(cpuinfo: str) -> str:
    """x86 names its model; arm64 gives numbers only (Documentation/arch/arm64/cpu-feature-…)."""
    pairs = [line.partition(":") for line in cpuinfo.splitlines()]
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    if "model name" in fields:
        return fields["model name"]
    return f"implementer {fields.get('CPU implementer')} part {fields.get('CPU part')}"


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _commit() -> str | None:
    """The commit that shim runs from, where it runs from a checkout."""
    checkout = Path(shim.__file__).parent.parent
    if not (checkout / ".git").exists():
        return None
    return _output("git", "-C", str(checkout), "rev-parse", "HEAD")


def _versions() -> Iterator[tuple[str, str | None]]:
    for name in ("bash", "/usr/bin/python3", "cc"):
        yield name, (_output(name, "--version") or "").partition("\n")[0]
    # dash has no such option: the package's version is the best there is.
    yield "dash", _output("dpkg-query", "--show", "--showformat=${Version}", "dash")
    try:
        yield "zig", importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        return


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
