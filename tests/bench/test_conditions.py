"""Cold starts and CPU shares: the real page cache, the real control groups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.bench import pagecache
from shim.bench.candidates import RECIPES, Candidate, make, make_starter
from shim.bench.machine import own_arch
from shim.bench.pagecache import PageCache
from shim.bench.runner import Sample, StartRunner, settle
from shim.bench.share import Share, make_share, quota_us
from shim.bench.undo import Undo
from shim.errors import MachineError
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Callable

BY_NAME = {recipe.name: recipe for recipe in RECIPES}


@pytest.fixture(autouse=True)
def _working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # runners change it; this brings it back


def _made(name: str, folder: Path) -> Candidate:
    made = make(BY_NAME[name], own_arch(), folder=folder)
    assert isinstance(made, Candidate)
    return made


def _start(candidate: Candidate, *preparations: Callable[[], None]) -> Sample:
    def prepare(_process: int, _candidate: Candidate) -> None:
        for one in preparations:
            one()

    starter = make_starter(own_arch(), folder=candidate.root.parent)
    return StartRunner(starter, prepare).run(candidate)


def test_a_start_has_times_page_faults_and_cpu_time(tmp_path: Path) -> None:
    handler = _made("nothing", tmp_path)
    sample = _start(handler, lambda: settle(handler))
    assert 0 < sample.stamp_ns < sample.launch_ns < sample.wall_ns
    assert sample.minor_faults > 0
    assert sample.user_us + sample.system_us > 0


def test_a_runner_refuses_a_candidate_that_does_not_start_the_handler(tmp_path: Path) -> None:
    candidate = _made("assembly", tmp_path)
    (candidate.root / "bin" / "orders").unlink()
    with pytest.raises(MachineError, match="it ended with 127: assembly"):
        _start(candidate)


def test_a_candidate_that_closes_the_descriptor_is_refused(tmp_path: Path) -> None:
    candidate = _made("short-dash", tmp_path)
    candidate.bootstrap.write_text('#!/bin/sh\nexec 3>&-\nexec "./$_HANDLER"\n')
    with pytest.raises(MachineError, match="keeps the handler from descriptor 3: short-dash"):
        _start(candidate)


def test_an_interruption_leaves_no_process(tmp_path: Path) -> None:
    processes: list[int] = []

    def interrupt(process: int, _candidate: Candidate) -> None:
        processes.append(process)
        raise KeyboardInterrupt

    candidate = _made("nothing", tmp_path)
    with pytest.raises(KeyboardInterrupt):
        StartRunner(make_starter(own_arch(), folder=tmp_path), interrupt).run(candidate)
    with pytest.raises(ChildProcessError):
        os.waitpid(processes[0], os.WNOHANG)


@pytest.mark.usefixtures("page_cache")
@pytest.mark.parametrize("whole", [True, False], ids=["whole cache", "own files"])
def test_a_dropped_candidate_comes_from_the_disk(tmp_path: Path, *, whole: bool) -> None:
    require(pagecache.read_ahead_file(tmp_path) is not None, "the temporary folder is on no disk")
    require(not whole or os.access(pagecache.DROP_CACHES, os.W_OK), "only root drops all caches")
    candidate = _made("nothing", tmp_path)
    os.sync()
    cache = PageCache(whole=whole)
    warm = _start(candidate)
    cold = _start(candidate, lambda: cache.drop(candidate))
    assert warm.blocks_read == 0
    assert cold.blocks_read > 0


def test_the_read_ahead_of_the_disk_is_known(tmp_path: Path) -> None:
    require(pagecache.read_ahead_file(tmp_path) is not None, "the temporary folder is on no disk")
    kilobytes = pagecache.read_ahead(tmp_path)
    assert kilobytes is not None
    assert kilobytes >= 0


def test_where_there_is_no_disk_there_is_no_read_ahead() -> None:
    assert pagecache.read_ahead(Path("/proc")) is None
    with pytest.raises(MachineError, match="no disk"):
        pagecache.set_read_ahead(Path("/proc"), 128)


def test_a_share_is_what_lambda_gives() -> None:
    assert quota_us(1769) == 20_000
    assert quota_us(128) == 1_447


def test_a_share_of_version_1_has_period_and_quota(tmp_path: Path) -> None:
    made: list[Path] = []
    mounts = f"proc /proc proc rw 0 0\ncgroup {tmp_path} cgroup rw,cpuacct,cpu 0 0\n"
    share = make_share(128, mounts, remember=made.append)
    assert made == [tmp_path / f"shim-bench-{os.getpid()}"]
    assert (made[0] / "cpu.cfs_period_us").read_text() == "20000"
    assert (made[0] / "cpu.cfs_quota_us").read_text() == "1447"
    (made[0] / "cpu.cfs_quota_us").write_text("changed")
    share.admit(4711)
    assert (made[0] / "cpu.cfs_quota_us").read_text() == "1447"
    assert (made[0] / "cgroup.procs").read_text() == "4711"


def test_a_share_of_version_2_has_both_in_one_file(tmp_path: Path) -> None:
    made: list[Path] = []
    (tmp_path / "cgroup.subtree_control").write_text("cpuset cpu io\n")
    make_share(1769, f"cgroup2 {tmp_path} cgroup2 rw 0 0\n", remember=made.append)
    assert (made[0] / "cpu.max").read_text() == "20000 20000"


@pytest.mark.parametrize("mounts", ["", "cgroup2 /proc cgroup2 rw 0 0\n"])
def test_where_nobody_gives_out_shares_the_error_says_so(mounts: str) -> None:
    with pytest.raises(MachineError, match="no control group hierarchy"):
        make_share(128, mounts, remember=lambda _: None)


def test_without_the_right_to_make_a_group_the_hint_says_what_to_do() -> None:
    mounts = "cgroup /proc/sys cgroup rw,cpu 0 0\n"  # where not even root makes folders
    with pytest.raises(MachineError, match="can't make a control group") as caught:
        make_share(128, mounts, remember=lambda _: None)
    assert caught.value.hint is not None
    assert "root" in caught.value.hint


def test_only_the_candidate_is_throttled(tmp_path: Path) -> None:
    groups: list[Path] = []
    candidate = _made("python", tmp_path)
    with Undo() as undo:
        share = _real_share(undo, groups)
        starter = make_starter(own_arch(), folder=tmp_path)
        runner = StartRunner(starter, lambda process, _: share.admit(process))
        samples = [runner.run(candidate) for _ in range(3)]
        throttled = _statistic(groups[0], "nr_throttled")
        assert share.members.read_text() == ""
    assert throttled >= 3  # a Python start needs several times the quota
    assert min(sample.user_us + sample.system_us for sample in samples) > quota_us(128)
    assert not groups[0].exists()


def _real_share(undo: Undo, groups: list[Path]) -> Share:
    def remember(group: Path) -> None:
        groups.append(group)
        undo.remove_group(group)

    require(os.geteuid() == 0, "only root makes control groups")
    return make_share(128, Path("/proc/mounts").read_text(), remember=remember)


def _statistic(group: Path, name: str) -> int:
    lines = (group / "cpu.stat").read_text().splitlines()
    return int(dict(line.split() for line in lines)[name])
