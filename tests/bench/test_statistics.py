"""Medians, spreads, intervals: against values worked out by hand and against simulation."""

from __future__ import annotations

import math
import random

import pytest

from shim.bench.statistics import estimate, quantile, ratio, summarize


def test_a_summary_holds_median_quartiles_deviation_and_extremes() -> None:
    summary = summarize([5, 1, 4, 2, 3])
    assert (summary.count, summary.median, summary.minimum) == (5, 3, 1)
    assert (summary.lower_quartile, summary.upper_quartile) == (2, 4)
    assert summary.deviation == 1
    assert summary.p95 == pytest.approx(4.8)


def test_one_value_is_its_own_summary() -> None:
    summary = summarize([7])
    assert {summary.median, summary.minimum, summary.lower_quartile, summary.p95} == {7}


def test_quantiles_lie_between_neighbours() -> None:
    assert quantile([10, 20], 0.5) == 15
    assert quantile([10, 20, 40], 0.75) == 30


def test_five_values_give_no_interval_of_that_confidence() -> None:
    interval = estimate([1, 2, 3, 4, 5])
    assert (interval.median, interval.low, interval.high) == (3, None, None)


@pytest.mark.parametrize(
    ("count", "rank"),
    # The usual tables of the sign test: the smallest and largest ranks of a 95 % interval.
    [(6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8), (30, 10), (50, 18)],
)
def test_the_interval_has_the_ranks_of_the_sign_test(count: int, rank: int) -> None:
    interval = estimate(random.Random(1).sample(range(1, count + 1), count))
    assert (interval.low, interval.high) == (rank, count + 1 - rank)


def test_the_ranks_of_many_values_agree_with_the_normal_approximation() -> None:
    interval = estimate(range(1, 10_001))
    assert interval.low is not None
    assert abs(interval.low - (5_000 - 1.96 * math.sqrt(10_000) / 2)) < 2


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    shuffler = random.Random(3)
    hits = 0
    for _ in range(1_000):
        interval = estimate([shuffler.lognormvariate(0, 1) for _ in range(40)])
        assert interval.low is not None
        assert interval.high is not None
        hits += interval.low <= 1 <= interval.high
    assert hits >= 940


def test_a_ratio_is_taken_within_each_round_so_that_drift_cancels_out() -> None:
    drift = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    interval = ratio([3 * value for value in drift], drift)
    assert (interval.low, interval.median, interval.high) == (3, 3, 3)


def test_rounds_of_different_number_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio([1, 2], [1])
