"""The CPU share that Lambda gives to a memory size: a control group with a quota a period."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shim.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY_OF_ONE_CPU = 1769
"""MB that are worth one CPU (AWS Lambda Developer Guide, "Configure Lambda function memory")."""

PERIOD_US = 20_000
"""The scheduler's period on Lambda: what a start may use of it is gone until the next one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A control group whose processes get a part of the CPU."""

    members: Path
    quota: Path
    limit: str

    def admit(self, process: int) -> None:
        """Let `process` have this share from now on, all of it: what others owe is forgotten."""
        self.members.write_text(str(process))
        self.refill()

    def refill(self) -> None:
        """Give the group its whole quota."""
        self.quota.write_text(self.limit)


def quota_us(memory: int) -> int:
    """Microseconds of CPU time in each period that a function with `memory` MB gets."""
    return memory * PERIOD_US // MEMORY_OF_ONE_CPU


def make_share(memory: int, mounts: str, *, remember: Callable[[Path], None]) -> Share:
    """A group with what `memory` MB are worth; `mounts` is what /proc/mounts says.

    `remember` is told the group before it is made: who called removes it.
    """
    quota = quota_us(memory)
    root, is_unified = _hierarchy(mounts)
    group = root / f"shim-bench-{os.getpid()}"
    remember(group)
    members = group / "cgroup.procs"
    try:
        group.mkdir()
        if is_unified:
            share = Share(members=members, quota=group / "cpu.max", limit=f"{quota} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            share = Share(members=members, quota=group / "cpu.cfs_quota_us", limit=str(quota))
        share.refill()
    except OSError as error:
        raise MachineError(
            f"can't make a control group with a CPU share: {error}",
            hint="run as root, or leave out `--memory`",
        ) from error
    return share


def _hierarchy(mounts: str) -> tuple[Path, bool]:
    """Where CPU shares are given out, and whether that is version 2."""
    for line in mounts.splitlines():
        _, folder, kind, options, *_ = line.split(" ")
        root = Path(folder)
        if kind == "cgroup" and "cpu" in options.split(","):
            return root, False
        if kind == "cgroup2" and "cpu" in _words(root / "cgroup.subtree_control"):
            return root, True
    raise MachineError(
        "no control group hierarchy gives out CPU shares on this machine",
        hint="leave out `--memory`; in a container, measure outside of it",
    )


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
