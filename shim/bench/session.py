"""One run of the bench, from the empty folder to the record."""

from __future__ import annotations

import gc
import os
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shim.bench.candidates import (
    Candidate,
    Missing,
    chosen,
    lambda_environment,
    make,
    make_starter,
)
from shim.bench.machine import describe, own_arch, own_cpus
from shim.bench.pagecache import PageCache, read_ahead, read_ahead_file, set_read_ahead
from shim.bench.quiet import run_quietly
from shim.bench.record import Conditions, Measured, Record, save
from shim.bench.runner import Runner, Sample, StartRunner, require_handler, settle
from shim.bench.schedule import Plan, measured_rounds
from shim.bench.share import Share, make_share
from shim.bench.undo import Undo
from shim.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BLOCK = 10
"""The record is saved after so many rounds, and later after every tenth of what there is: a save
writes all of it."""

_PATIENCE = 60.0
"""Seconds for a candidate to show that it starts the handler."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the command line asks for."""

    plan: Plan
    names: tuple[str, ...]
    """Of the candidates; none: all but the slow ones."""
    with_slow: bool
    cpu: int | None
    memory: int | None
    cold: bool
    read_ahead: int | None
    folder: Path
    """Where the folder with the candidates is made."""
    output: Path | None


def run(settings: Settings, *, tell: Callable[[str], None]) -> Record:
    """Build, check and measure; interrupted, the record holds the rounds up to there.

    `tell` hears what is being done.
    """
    with Undo() as undo:
        folder = _make_folder(settings.folder, undo)
        candidates, missing = _build(settings, folder, tell=tell)
        for candidate in candidates:
            tell(f"checking {candidate.name}")
            _require_start(candidate)
        if settings.read_ahead is not None:
            _change_read_ahead(folder, settings.read_ahead, undo=undo)
        with _undisturbed(settings.cpu):
            cache = PageCache.of_this_machine() if settings.cold else None
            share = None if settings.memory is None else _share(settings.memory, undo)
            prepare = partial(_prepare, candidates[0], cache, share)
            runner = StartRunner(make_starter(own_arch(), folder=folder), prepare)
            if cache is not None:
                _require_disk(runner.run(candidates[0]), folder)
            record = Record(
                conditions=_conditions(settings, candidates[0], cache=cache),
                machine=describe(),
                measured=(),
                missing=missing,
            )
            return _measure(runner, candidates, settings, record=record, tell=tell)


def _make_folder(parent: Path, undo: Undo) -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix="shim-bench-", dir=parent.resolve()))
    except OSError as error:
        raise InputError(f"no folder can be made for the candidates: {error}") from error
    undo.remove_folder(folder)
    return folder


def _build(
    settings: Settings, folder: Path, *, tell: Callable[[str], None]
) -> tuple[tuple[Candidate, ...], tuple[Missing, ...]]:
    made = []
    try:
        for recipe in chosen(settings.names, with_slow=settings.with_slow):
            tell(f"building {recipe.name}")
            made.append(make(recipe, own_arch(), folder=folder))
    except OSError as error:
        raise MachineError(f"the candidates can't be written: {error}") from error
    return (
        tuple(one for one in made if isinstance(one, Candidate)),
        tuple(one for one in made if isinstance(one, Missing)),
    )


def _require_start(candidate: Candidate) -> None:
    """Raise unless the candidate starts the handler; what it complains of becomes the hint."""
    try:
        done = run_quietly(
            [candidate.bootstrap],
            folder=candidate.root,
            seconds=_PATIENCE,
            environment=lambda_environment(candidate),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(
            f"the candidate can't be started: {candidate.name}: {error}",
            hint="`--folder` takes a folder where programs may be run"
            if isinstance(error, PermissionError)
            else None,
        ) from error
    require_handler(candidate, done.returncode, said=done.stderr)


def _change_read_ahead(folder: Path, kilobytes: int, *, undo: Undo) -> None:
    path = read_ahead_file(folder)
    if path is not None:
        undo.write_back(path)
    set_read_ahead(folder, kilobytes)


@contextmanager
def _undisturbed(cpu: int | None) -> Iterator[None]:
    """No garbage collection, one CPU if asked for, and afterwards all as it was."""
    cpus, folder = own_cpus(), Path.cwd()
    gc.disable()
    try:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        yield
    except OSError as error:
        raise MachineError(f"no measuring on this machine: {error}") from error
    finally:
        gc.enable()
        os.sched_setaffinity(0, cpus)
        os.chdir(folder)


def _share(memory: int, undo: Undo) -> Share:
    return make_share(memory, Path("/proc/mounts").read_text(), remember=undo.remove_group)


def _prepare(
    handler: Candidate,
    cache: PageCache | None,
    share: Share | None,
    process: int,
    candidate: Candidate,
) -> None:
    settle(handler)
    if cache is not None:
        cache.drop(candidate)
    if share is not None:
        share.admit(process)


def _require_disk(cold: Sample, folder: Path) -> None:
    if cold.blocks_read == 0:
        raise MachineError(
            f"there is no cold start where nothing comes from a disk: {folder.parent}",
            hint="`--folder` takes a folder on a disk",
        )


def _conditions(settings: Settings, handler: Candidate, *, cache: PageCache | None) -> Conditions:
    return Conditions(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        rounds=settings.plan.rounds,
        warmup=settings.plan.warmup,
        seed=settings.plan.seed,
        cpu=settings.cpu,
        memory=settings.memory,
        page_cache=None if cache is None else cache.method,
        read_ahead_kb=read_ahead(handler.root),
    )


def _measure(
    runner: Runner,
    candidates: Sequence[Candidate],
    settings: Settings,
    *,
    record: Record,
    tell: Callable[[str], None],
) -> Record:
    rounds: list[dict[str, Sample]] = []
    plan, output, next_save = settings.plan, settings.output, BLOCK
    try:
        for samples in measured_rounds(runner, candidates, plan):
            rounds.append(samples)
            tell(f"round {len(rounds)} of {plan.rounds}")
            if output is not None and len(rounds) == next_save:
                save(_with_samples(record, candidates, rounds), output)
                next_save += max(BLOCK, len(rounds) // 10)
    except KeyboardInterrupt:
        if not rounds:
            raise
    record = _with_samples(record, candidates, rounds)
    if output is not None:
        save(record, output)
    return record


def _with_samples(
    record: Record, candidates: Sequence[Candidate], rounds: Sequence[dict[str, Sample]]
) -> Record:
    return replace(
        record,
        measured=tuple(
            Measured(
                name=one.name,
                title=one.title,
                size=one.size,
                samples=tuple(r[one.name] for r in rounds),
            )
            for one in candidates
        ),
    )
