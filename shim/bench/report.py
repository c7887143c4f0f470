"""A record in words and numbers: the table's rows, the comparisons, the notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shim.bench.candidates import FLOOR
from shim.bench.share import PERIOD_US, quota_us
from shim.bench.statistics import Estimate, Summary, ratio, summarize
from shim.document import as_object
from shim.package.limits import format_size

if TYPE_CHECKING:
    from shim.bench.record import Conditions, Measured, Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One candidate's line; times in microseconds."""

    name: str
    title: str
    size: int
    """Bytes of what a package carries for it."""
    launch: Summary
    """From just before the exec of `bootstrap` to the handler's first instruction."""
    wall: Summary
    """From letting the starter go to having the handler's exit status."""
    cpu: Summary
    """User and system time together, as all that follows of all the processes of a start."""
    user: float
    system: float
    """Their means: the kernel splits the sum by samples, so that one start's split says little."""
    minor_faults: float
    major_faults: float
    kilobytes_read: float
    """Medians, the last one of what came from a disk."""
    against_floor: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How many times as long the one takes as the other, with the bound that is to be reached."""

    slower: str
    faster: str
    ratio: Estimate
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_reached(self) -> bool | None:
        """Whether the median is within the bound; None without a bound."""
        if self.at_most is not None:
            return self.ratio.median <= self.at_most
        if self.at_least is not None:
            return self.ratio.median >= self.at_least
        return None


_BOUNDS: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("lean", FLOOR, {"at_most": 1.05}),
    ("full", FLOOR, {"at_most": 1.10}),
    ("exec-dash", "lean", {"at_least": 5}),
    ("exec-bash", "lean", {}),
    ("uname-dash", "lean", {}),
    ("uname-bash", "lean", {"at_least": 15}),
    # dash doesn't tell the architecture, so the dual script has to fork there.
    ("dual-dash", "short-dash", {}),
    ("dual-bash", "short-bash", {"at_most": 1.15}),
)
"""Who is held against whom, and what a warm start without a limit is to reach."""

_COLD_BOUNDS: tuple[tuple[str, str, dict[str, float]], ...] = (
    ("full", "lean", {"at_most": 1.3}),
    ("short-bash", "lean", {}),
    ("uname-bash", "lean", {}),
)
"""The same for starts with a cold page cache; the bound is for a read-ahead of 128 KB."""


def rows(record: Record) -> list[Row]:
    """The table, the fastest first."""
    (floor,) = (one.launch for one in record.measured if one.name == FLOOR)
    table = [_row(one, floor) for one in record.measured]
    return sorted(table, key=lambda row: row.launch.median)


def cells(row: Row) -> tuple[str, ...]:
    """A row as the table's columns have it, from the name to the page faults."""
    return (
        row.name,
        row.title,
        format_size(row.size),
        f"{row.launch.median:,.1f}",
        f"{row.launch.lower_quartile:,.1f}-{row.launch.upper_quartile:,.1f}",
        times(row.against_floor),
        f"{row.cpu.median:,.0f}",
        f"{row.minor_faults + row.major_faults:,.0f}",
    )


def comparisons(record: Record) -> list[Comparison]:
    """The pairs that were both measured, compared round by round."""
    launches = {one.name: one.launch for one in record.measured}
    conditions = record.conditions
    is_cold = conditions.page_cache is not None
    has_bounds = conditions.memory is None and (not is_cold or conditions.read_ahead_kb == 128)
    return [
        Comparison(
            slower=slower,
            faster=faster,
            ratio=ratio(launches[slower], launches[faster]),
            **(bound if has_bounds else {}),
        )
        for slower, faster, bound in (_COLD_BOUNDS if is_cold else _BOUNDS)
        if slower in launches and faster in launches
    ]


def sentence(comparison: Comparison) -> str:
    """One comparison as a person reads it."""
    text = f"{comparison.slower} takes {times(comparison.ratio)} as long as {comparison.faster}"
    if comparison.is_reached is None:
        return text
    at_most, at_least = comparison.at_most, comparison.at_least
    bound = f"at least {at_least}" if at_most is None else f"at most {at_most}"
    return f"{text}; to reach: {bound}: {'reached' if comparison.is_reached else 'not reached'}"


def times(estimate: Estimate) -> str:
    """A ratio with its interval, `1.03 x [1.02, 1.04]`; without one where there are too few."""
    digits = 2 if estimate.median < 10 else 1
    text = f"{estimate.median:.{digits}f} x"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def notes(record: Record) -> list[str]:
    """How it was measured and what to mind, a sentence each."""
    return [
        *_interruption(record),
        _machine_note(record),
        _stamp_note(record),
        *_cache_notes(record.conditions),
        *_share_notes(record.conditions),
        *(f"not measured: {one.name}: {one.reason}" for one in record.missing),
    ]


def summary_json(record: Record) -> dict[str, Any]:
    """The table and the comparisons as plain data."""
    return {
        "summary": [as_object(row) for row in rows(record)],
        "comparisons": [
            {**as_object(one), "isReached": one.is_reached} for one in comparisons(record)
        ],
    }


def _row(one: Measured, floor: list[float]) -> Row:
    samples = one.samples
    return Row(
        name=one.name,
        title=one.title,
        size=one.size,
        launch=summarize(one.launch),
        wall=summarize([sample.wall_ns / 1000 for sample in samples]),
        cpu=summarize([sample.user_us + sample.system_us for sample in samples]),
        user=sum(sample.user_us for sample in samples) / len(samples),
        system=sum(sample.system_us for sample in samples) / len(samples),
        minor_faults=summarize([sample.minor_faults for sample in samples]).median,
        major_faults=summarize([sample.major_faults for sample in samples]).median,
        kilobytes_read=summarize([sample.blocks_read / 2 for sample in samples]).median,
        against_floor=ratio(one.launch, floor),
    )


def _interruption(record: Record) -> list[str]:
    if record.is_complete:
        return []
    return [f"interrupted after {record.rounds} of {record.conditions.rounds} rounds"]


def _machine_note(record: Record) -> str:
    machine = record.machine
    kernel, _, _ = machine.kernel.partition(" ")
    return (
        f"{machine.arch}, {machine.cpu}, {machine.cpus} CPUs, kernel {kernel}, {machine.system}, "
        f"{machine.libc}; load {machine.load:.2f}; shim {machine.shim}; "
        f"seed {record.conditions.seed}"
    )


def _stamp_note(record: Record) -> str:
    costs = [sample.stamp_ns / 1000 for one in record.measured for sample in one.samples]
    return f"of every launch time {summarize(costs).median:.1f} µs are the clock's"


def _cache_notes(conditions: Conditions) -> list[str]:
    if conditions.page_cache is None:
        return []
    what = (
        "the whole page cache was"
        if conditions.page_cache == "drop_caches"
        else "not being root, only the candidates' own files and shells were"
    )
    dropped = f"cold: before each start {what} dropped ({conditions.page_cache})"
    read_ahead = f"the disk's read-ahead: {conditions.read_ahead_kb} KB"
    kept = "what running programs have mapped stays in memory: libc, ld.so, this Python"
    return [f"{dropped}; {read_ahead}", kept]


def _share_notes(conditions: Conditions) -> list[str]:
    if conditions.memory is None:
        return []
    quota, period = quota_us(conditions.memory) / 1000, PERIOD_US // 1000
    return [
        f"{conditions.memory} MB: {quota:.2f} ms of CPU in each {period} ms, whole at each start"
    ]
