"""Verdicts computed by hand, and how often they are wrong where the truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.errors import UserError
from bench.timing.gate import intervals

BORDER = math.log(1.03)


def test_the_interval_is_student_s_shared_out_to_all_benchmarks() -> None:
    d = [0.01, 0.03, 0.02, 0.06, 0.03]
    found = intervals.judge(d, 0.03, 2)
    reach = stats.t.ppf(1 - 0.01 / 2, 4) * np.std(d, ddof=1) / math.sqrt(5)
    assert math.log(found.ratio) == pytest.approx(0.03)
    assert math.log(found.low) == pytest.approx(0.03 - reach)
    assert math.log(found.high) == pytest.approx(0.03 + reach)
    assert found.deviation == pytest.approx(np.std(d, ddof=1))


@pytest.mark.parametrize(
    ("shift", "verdict"),
    [(0.1, "slower"), (0.031, "as fast"), (0.0, "as fast"), (-0.1, "faster")],
)
def test_slower_is_only_what_the_noise_leaves_no_doubt_of(shift: float, verdict: str) -> None:
    d = np.array([-0.01, 0.0, 0.01, 0.0, -0.01, 0.01]) + shift
    assert intervals.judge(d.tolist(), 0.03, 1).verdict == verdict


def test_what_more_benchmarks_cost() -> None:
    """The same differences are slower alone, and not among thirty."""
    d = [0.05, 0.06, 0.07, 0.05, 0.06, 0.075]
    assert intervals.judge(d, 0.03, 1).verdict == "slower"
    assert intervals.judge(d, 0.03, 1000).verdict == "as fast"


def test_settled_is_what_the_noise_leaves_no_doubt_of() -> None:
    """Quiet differences settle as soon as there are enough; those at the border never do."""
    needed = intervals.least_pairs(10)
    quiet = [0.001, -0.001, 0.0, 0.002, -0.002, 0.001]
    assert not intervals.settled(quiet[: needed - 1], 0.03, 10)
    assert intervals.settled(quiet[:needed], 0.03, 10)
    assert not intervals.settled([d + BORDER for d in quiet], 0.03, 10)
    assert not intervals.settled([d + 0.1 for d in quiet], 0.03, 10)


def test_who_is_settled_is_not_slower() -> None:
    for d in np.random.default_rng(3).normal(0.01, 0.02, (300, 8)).tolist():
        if intervals.settled(d, 0.03, 4):
            assert intervals.judge(d, 0.03, 4).verdict != "slower"


@pytest.mark.parametrize("benchmarks", [1, 14])
def test_the_error_rate_is_what_is_promised_at_the_border_itself(benchmarks: int) -> None:
    """Every benchmark exactly at the allowed slowdown: of 4,000 runs, one in a hundred fails."""
    draws = np.random.default_rng(0).normal(BORDER, 0.05, (4000, benchmarks, 8))
    reach = stats.t.isf(intervals.ALPHA / benchmarks, 7) / math.sqrt(8)
    failed = (draws.mean(axis=2) - reach * draws.std(axis=2, ddof=1) > BORDER).any(axis=1)
    by_judge = [
        any(j.verdict == "slower" for j in (intervals.judge(d, 0.03, benchmarks) for d in run))
        for run in draws[:50].tolist()
    ]
    assert by_judge == failed[:50].tolist()
    low, high = stats.binom.interval(0.999, 4000, intervals.ALPHA)
    assert low <= failed.sum() <= high


def test_detectable_is_what_is_seen_with_the_power_that_it_says() -> None:
    d = np.random.default_rng(1).normal(0, 0.02, 8)
    found = intervals.judge(d.tolist(), 0.03, 1)
    truth = math.log(found.detectable)
    draws = np.random.default_rng(2).normal(truth, found.deviation, (4000, 8))
    reach = stats.t.isf(intervals.ALPHA, 7) / math.sqrt(8)
    seen = draws.mean(axis=1) - reach * draws.std(axis=1, ddof=1) > BORDER
    low, high = stats.binom.interval(0.999, 4000, intervals.POWER)
    assert low <= seen.sum() <= high


def test_fewer_pairs_than_the_interval_needs_are_refused_with_the_number() -> None:
    needed = intervals.least_pairs(14)
    intervals.check_pairs(needed, 14)
    with pytest.raises(UserError, match=f"take {needed} or more"):
        intervals.check_pairs(needed - 1, 14)
    assert intervals.least_pairs(1) < needed
