"""Medians, spreads and confidence intervals, whatever the distribution of the times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """One candidate's samples in a few numbers, in the samples' unit."""

    count: int
    median: float
    minimum: float
    lower_quartile: float
    upper_quartile: float
    deviation: float
    """The median distance from the median (MAD)."""
    p95: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A median and the interval that holds the true one with 95 % confidence."""

    median: float
    low: float | None
    high: float | None
    """Both None for fewer than six samples: no interval of theirs is that sure."""


def summarize(values: Sequence[float]) -> Summary:
    """The summary of at least one value."""
    ordered = sorted(values)
    median = quantile(ordered, 0.5)
    return Summary(
        count=len(ordered),
        median=median,
        minimum=ordered[0],
        lower_quartile=quantile(ordered, 0.25),
        upper_quartile=quantile(ordered, 0.75),
        deviation=quantile(sorted(abs(value - median) for value in ordered), 0.5),
        p95=quantile(ordered, 0.95),
    )


def estimate(values: Sequence[float]) -> Estimate:
    """The median of at least one value with its distribution-free confidence interval."""
    ordered = sorted(values)
    skipped = _values_outside(len(ordered))
    return Estimate(
        median=quantile(ordered, 0.5),
        low=None if skipped is None else ordered[skipped],
        high=None if skipped is None else ordered[-1 - skipped],
    )


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """The median of the ratios within each round: what drifts between rounds cancels out."""
    return estimate([one / other for one, other in zip(numerators, denominators, strict=True)])


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie, interpolated between neighbours."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _values_outside(count: int) -> int | None:
    """How many sorted values lie outside the median's interval on either side.

    Each value is below the true median with probability 1/2, so the number of those below is
    binomial. The bounds are the innermost two values that leave at most 2.5 % on either side;
    counted in integers, hence exact.
    """
    outside, tail, term = None, 0, 1
    for below in range(count):
        tail += term  # the number of subsets with at most `below` of `count` elements
        if 40 * tail > 2**count:
            break
        outside = below
        term = term * (count - below) // (below + 1)
    return outside
