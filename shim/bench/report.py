"""A record in words and numbers: the table's rows, the comparisons, the notes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from shim.bench.candidates import FLOOR, NOTHING
from shim.bench.share import PERIOD_US, quota_us
from shim.bench.statistics import Estimate, Summary, difference, ratio, summarize

if TYPE_CHECKING:
    from shim.bench.record import Conditions, Measured, Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One candidate's line; times in microseconds."""

    name: str
    title: str
    wall: Summary
    cpu: Summary
    """User and system time together."""
    user: float
    system: float
    """Their means: the kernel splits the sum by samples, so that one start's split says little."""
    minor_faults: float
    major_faults: float
    kilobytes_read: float
    """Medians, the last one of what came from a disk."""
    added: Estimate
    """What the candidate adds to the handler's own start."""
    against_floor: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How many times as long the one takes as the other, with the bound that is to be reached."""

    slower: str
    faster: str
    ratio: Estimate
    """Of the whole times: the harness's spawn and the handler's own start are in both."""
    added_ratio: float | None
    """Of what the two add to the handler's own start; None where nothing is measurably added."""
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


def rows(record: Record) -> list[Row]:
    """The table, the fastest first."""
    walls = {one.name: one.wall for one in record.measured}
    table = [_row(one, walls) for one in record.measured]
    return sorted(table, key=lambda row: row.wall.median)


def cells(row: Row) -> tuple[str, ...]:
    """A row as the table's columns have it, from the name to the ratio."""
    return (
        row.name,
        row.title,
        f"{row.wall.median:,.0f}",
        f"{row.wall.lower_quartile:,.0f}-{row.wall.upper_quartile:,.0f}",
        f"{row.cpu.median:,.0f}",
        f"{row.minor_faults + row.major_faults:,.0f}",
        f"{row.added.median:,.0f}",
        times(row.against_floor),
    )


def comparisons(record: Record) -> list[Comparison]:
    """The pairs that were both measured, compared round by round."""
    walls = {one.name: one.wall for one in record.measured}
    added = {name: difference(wall, walls[NOTHING]).median for name, wall in walls.items()}
    is_plain = record.conditions.page_cache is None and record.conditions.memory is None
    return [
        Comparison(
            slower=slower,
            faster=faster,
            ratio=ratio(walls[slower], walls[faster]),
            added_ratio=added[slower] / added[faster] if added[faster] > 0 else None,
            **(bound if is_plain else {}),
        )
        for slower, faster, bound in _BOUNDS
        if slower in walls and faster in walls
    ]


def sentence(comparison: Comparison) -> str:
    """One comparison as a person reads it."""
    text = f"{comparison.slower} takes {times(comparison.ratio)} as long as {comparison.faster}"
    if comparison.added_ratio is not None:
        text += f" and adds {comparison.added_ratio:.1f} x as much"
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
        *_harness_notes(record.conditions),
        *_cache_notes(record.conditions),
        *_share_notes(record.conditions),
        *(f"not measured: {one.name}: {one.reason}" for one in record.missing),
    ]


def summary_json(record: Record) -> dict[str, Any]:
    """The table and the comparisons as plain data."""
    return {
        "summary": [asdict(row) for row in rows(record)],
        "comparisons": [
            {**asdict(one), "is_reached": one.is_reached} for one in comparisons(record)
        ],
    }


def _row(one: Measured, walls: dict[str, list[float]]) -> Row:
    samples = one.samples
    return Row(
        name=one.name,
        title=one.title,
        wall=summarize(one.wall),
        cpu=summarize([sample.user_us + sample.system_us for sample in samples]),
        user=sum(sample.user_us for sample in samples) / len(samples),
        system=sum(sample.system_us for sample in samples) / len(samples),
        minor_faults=summarize([sample.minor_faults for sample in samples]).median,
        major_faults=summarize([sample.major_faults for sample in samples]).median,
        kilobytes_read=summarize([sample.blocks_read / 2 for sample in samples]).median,
        added=difference(one.wall, walls[NOTHING]),
        against_floor=ratio(one.wall, walls[FLOOR]),
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


def _harness_notes(conditions: Conditions) -> list[str]:
    clock = f"{conditions.clock_ns / 1000:.2f} µs the clock's"
    if conditions.memory is not None:
        return [f"of every figure {clock}; what the start costs without a bootstrap: see `nothing`"]
    spawn = f"at least {conditions.spawn_ns / 1000:,.0f} µs are the harness's own and the fork's"
    return [f"of every figure {spawn} (a spawn whose exec fails), {clock}"]


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
        f"{conditions.memory} MB: {quota:.2f} ms of CPU in each {period} ms, whole at each start",
        "timed from the wake-up of a waiting shell, whose exec stands for the fork",
    ]
