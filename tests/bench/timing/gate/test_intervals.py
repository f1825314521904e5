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
    found = intervals.judge({"a": d, "b": [0.0, 0.1, 0.0, 0.1, 0.0]}, 0.03)["a"]
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
    assert intervals.judge({"a": d.tolist()}, 0.03)["a"].verdict == verdict


def test_what_more_benchmarks_cost() -> None:
    """The same differences are slower alone, and not among thirty."""
    d = [0.05, 0.06, 0.07, 0.05, 0.06, 0.075]
    alone = intervals.judge({"a": d}, 0.03)
    many = intervals.judge({str(n): d for n in range(1000)}, 0.03)
    assert alone["a"].verdict == "slower"
    assert many["0"].verdict == "as fast"


@pytest.mark.parametrize("benchmarks", [1, 14])
def test_the_error_rate_is_what_is_promised_at_the_border_itself(benchmarks: int) -> None:
    """Every benchmark exactly at the allowed slowdown: of 4,000 runs, one in a hundred fails."""
    draws = np.random.default_rng(0).normal(BORDER, 0.05, (4000, benchmarks, 8))
    reach = stats.t.isf(intervals.ALPHA / benchmarks, 7) / math.sqrt(8)
    failed = (draws.mean(axis=2) - reach * draws.std(axis=2, ddof=1) > BORDER).any(axis=1)
    by_judge = [
        any(
            j.verdict == "slower"
            for j in intervals.judge({str(n): d for n, d in enumerate(run)}, 0.03).values()
        )
        for run in draws[:50].tolist()
    ]
    assert by_judge == failed[:50].tolist()
    low, high = stats.binom.interval(0.999, 4000, intervals.ALPHA)
    assert low <= failed.sum() <= high


def test_detectable_is_what_is_seen_with_the_power_that_it_says() -> None:
    d = np.random.default_rng(1).normal(0, 0.02, 8)
    found = intervals.judge({"a": d.tolist()}, 0.03)["a"]
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
