"""The statistics on simulated data, where the truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from bench import inference, power
from bench.randomness import stream

SIMULATIONS = 2000


def within(share: float | np.floating, expected: float, trials: int) -> bool:
    """Whether a simulated share is compatible with its expectation: three standard errors."""
    return abs(float(share) - expected) <= 3 * math.sqrt(expected * (1 - expected) / trials)


@pytest.mark.parametrize("n", [3, 5, 9])
def test_the_t_interval_covers_what_it_says(n: int) -> None:
    draws = stream(0, f"coverage {n}").normal(1.0, 2.0, (SIMULATIONS, n))
    found = [inference.interval(x) for x in draws]
    assert within(np.mean([i.low <= 1.0 <= i.high for i in found]), 0.95, SIMULATIONS)


@pytest.mark.parametrize(("n", "level"), [(10, 0.95), (10, 0.9), (20, 0.95)])
def test_the_bootstrap_interval_covers_what_it_says(n: int, level: float) -> None:
    draws = stream(0, f"coverage {n}").normal(1.0, 2.0, (SIMULATIONS, n))
    low, high = inference.bca_bounds(draws, level, resamples=1999)
    # Four standard errors: ten values expanded cover 94.5 %, the plain bootstrap's 90 % is far off.
    tolerance = 4 * math.sqrt(level * (1 - level) / SIMULATIONS)
    assert abs(((low <= 1.0) & (high >= 1.0)).mean() - level) <= tolerance


def test_the_plain_bootstrap_would_be_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted mistake: the normal's quantile, as the textbooks have it."""
    monkeypatch.setattr(inference.math, "sqrt", lambda _: 1.0)
    monkeypatch.setattr(inference.stats.t, "ppf", lambda q, _: stats.norm.ppf(q))
    draws = np.random.default_rng(0).normal(1.0, 2.0, (SIMULATIONS, 10))
    low, high = inference.bca_bounds(draws, resamples=1999)
    assert ((low <= 1.0) & (high >= 1.0)).mean() < 0.92


def test_the_bootstrap_is_scipys_but_for_the_level() -> None:
    x = np.exp(np.linspace(-1.5, 1.5, 12))  # skewed
    expanded = stats.t.ppf(0.975, 11) * math.sqrt(12 / 11)
    level = 1 - 2 * stats.norm.sf(expanded)
    expected = stats.bootstrap(
        (x,), np.mean, confidence_level=level, n_resamples=40_000, method="BCa", rng=stream(0, "x")
    ).confidence_interval
    found = inference.interval(x)
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.02 * width)
    assert found.high == pytest.approx(expected.high, abs=0.02 * width)
    assert found.high - found.mean > 1.2 * (found.mean - found.low)  # it follows the skewness


def test_intervals_of_degenerate_samples() -> None:
    assert inference.interval([0.5]).low == -math.inf
    assert inference.interval([0.5] * 3) == inference.Interval(0.5, 0.5, 0.5)
    assert inference.interval([0.5] * 12) == inference.Interval(0.5, 0.5, 0.5)
    assert inference.p_greater([0.5], 0.0) == 1.0
    assert inference.p_greater([0.5, 0.5], 0.0) == 0.0
    # Equal but for rounding, at the margin: neither within nor outside.
    margin = np.array([0.95, 0.3, 0.02]) - np.array([0.94, 0.29, 0.01])
    assert np.ptp(margin) > 0
    assert inference.p_equivalent(margin, 0.01) == 1.0
    assert inference.p_outside(margin, 0.01) == 1.0


def test_infinite_values_are_the_limit_of_large_ones() -> None:
    for values in ([-math.inf, 1, 2, 3, 4, 5], [-math.inf] * 5 + [1], [math.inf, -math.inf, 3, 4]):
        large = np.clip(values, -1e9, 1e9)
        if not np.isposinf(values).any():
            assert inference.p_greater(values, 0.5) == pytest.approx(
                inference.p_greater(large, 0.5), abs=1e-6
            )
        found, limit = inference.interval(values), inference.interval(large)
        assert (found.low > 0) == (limit.low > 0)
        assert (found.high < 0) == (limit.high < 0)
    assert inference.interval([-math.inf] * 4) == inference.Interval(*[-math.inf] * 3)


def test_infinite_values_leave_their_own_side_to_the_finite_ones() -> None:
    worse = [-math.inf, -0.5, -0.6, -0.55]
    found = inference.interval(worse)
    assert (found.mean, found.low) == (-math.inf, -math.inf)
    assert found.high == inference.interval(worse[1:]).high < 0
    assert inference.p_less(worse, 0.0) == inference.p_less(worse[1:], 0.0) < 0.025
    assert inference.p_greater(worse, -1.0) > 0.5  # whatever the finite ones say
    assert inference.p_equivalent(worse, 1.0) > 0.5


def test_intervals_repeat() -> None:
    x = stream(1, "repeat").normal(size=12)
    assert inference.interval(x) == inference.interval(x)


def test_one_sided_p_is_that_of_scipy() -> None:
    x = stream(2, "t test").normal(0.3, 1, 6)
    expected = stats.ttest_1samp(x, 0.1, alternative="greater").pvalue
    assert inference.p_greater(x, 0.1) == pytest.approx(expected)
    assert inference.p_less(x, 0.1) == pytest.approx(1 - expected)
    assert inference.p_two_sided(x) == pytest.approx(stats.ttest_1samp(x, 0).pvalue)


def test_two_one_sided_tests_by_hand() -> None:
    # Mean 0.02, s 0.01, n 4: t = (0.02 + 0.05) / 0.005 = 14 and (0.05 - 0.02) / 0.005 = 6.
    x = np.array([0.02 - 0.01, 0.02, 0.02, 0.02 + 0.01])
    x = 0.02 + (x - 0.02) * 0.01 / x.std(ddof=1)
    assert inference.p_equivalent(x, 0.05) == pytest.approx(stats.t.sf(6.0, 3))
    assert inference.p_outside(x, 0.01) == pytest.approx(2 * stats.t.sf(2.0, 3))


def test_equivalence_errs_in_five_of_a_hundred() -> None:
    """The true difference lies exactly on the margin: calling it equivalent is the error."""
    draws = stream(0, "equivalence at the margin").normal(0.01, 0.004, (SIMULATIONS, 5))
    passed = np.mean([inference.p_equivalent(x, 0.01) < 0.05 for x in draws])
    assert within(passed, 0.05, SIMULATIONS)
    inside = stream(0, "equivalence inside").normal(0.0, 0.004, (200, 5))
    assert np.mean([inference.p_equivalent(x, 0.01) < 0.05 for x in inside]) > 0.9


def test_holm_by_hand() -> None:
    # Sorted: .01 x 4, .02 x 3, .03 x 2, .04 x 1, made monotone.
    assert inference.holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert inference.holm([]) == []


def test_cochran_q_by_hand() -> None:
    # Pooled variance 1, weights 3, means 2 and 3, pooled 2.5: Q = 3/4 + 3/4, one degree and four.
    groups = [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]
    assert inference.cochran_q(groups) == pytest.approx(stats.f.sf(1.5, 1, 4))
    assert inference.cochran_q([[1.0], [2.0]]) is None
    assert inference.cochran_q([[1.0, 2.0]]) is None
    assert inference.cochran_q([[1.0, 1.0], [1.0, 1.0]]) == 1.0
    assert inference.cochran_q([[1.0, 1.0], [2.0, 2.0]]) == 0.0
    assert inference.cochran_q([[math.inf, math.inf, 1.0], [1.0, 2.0, 1.5]]) == pytest.approx(
        stats.f_oneway([1, 1, 0], [0, 0, 0]).pvalue
    )


@pytest.mark.parametrize("n", [2, 3, 10])
def test_frameworks_that_agree_differ_in_five_of_a_hundred(n: int) -> None:
    # With a variance for each group and chi^2 it would be 26 of a hundred at three values each.
    draws = stream(0, f"cochran {n}").normal(0, 1, (SIMULATIONS, 4, n))
    below = np.mean([(inference.cochran_q(x) or 0.0) < 0.05 for x in draws])
    assert within(below, 0.05, SIMULATIONS)


def test_superiority_counts_ties_as_halves() -> None:
    assert inference.superiority([1, -1, 0, 2]) == pytest.approx(0.625)


@pytest.mark.parametrize("n", [4, 8])
def test_the_detectable_effect_is_detected_as_often_as_stated(n: int) -> None:
    """For values whose deviation is 1 exactly as for those drawn with deviation 1."""
    observed = np.resize([1.0, -1.0], n)
    effect = inference.detectable(observed / observed.std(ddof=1))
    assert effect is not None
    draws = stream(0, f"detectable {n}").normal(effect, 1.0, (SIMULATIONS, n))
    found = np.mean([inference.interval(x).low > 0 for x in draws])
    assert within(found, inference.WANTED_POWER, SIMULATIONS)
    assert inference.detectable([1.0]) is None
    assert inference.detectable([1.0, math.inf]) is None


def test_the_detectable_margin_is_passed_about_as_often_as_stated() -> None:
    observed = np.resize([1.0, -1.0], 8)
    margin = inference.detectable_margin(observed / observed.std(ddof=1))
    assert margin is not None
    draws = stream(0, "detectable margin").normal(0.0, 1.0, (SIMULATIONS, 8))
    found = np.mean([inference.p_equivalent(x, margin) < 0.05 for x in draws])
    assert 0.75 < found < 0.9  # the formula of sample sizes is an approximation
    assert inference.detectable_margin([1.0]) is None


@pytest.mark.parametrize("n", [3, 6])
def test_the_stated_power_of_a_level_is_the_power(n: int) -> None:
    stated = power.of_level(n, 0.01, 0.006)
    draws = stream(9, "another stream").normal(0.01, 0.006, (SIMULATIONS, n))
    found = np.mean([inference.interval(x).low >= 0 for x in draws])
    assert within(found, stated, SIMULATIONS)
    assert power.of_level(1, 0.01, 0.006) == 0.0


def test_the_stated_power_of_ten_seeds_is_the_power() -> None:
    stated = power.of_level(10, 0.01, 0.011)
    draws = stream(9, "another stream").normal(0.01, 0.011, (SIMULATIONS, 10))
    found = [
        inference.interval(x).low >= 0 and inference.p_two_sided(x) < 0.05 for x in draws[:400]
    ]
    assert 0.6 < stated < 0.9
    assert within(np.mean(found), stated, 400)


@pytest.mark.parametrize("deviation", [0.006, 0.001])
def test_the_stated_power_of_a_difference_is_the_power(deviation: float) -> None:
    stated = power.of_difference(5, 0.01, deviation)
    draws = stream(9, "paired").normal(0.01, deviation, (SIMULATIONS, 5))
    found = [
        inference.interval(x).low > 0 and inference.p_equivalent(x, 0.01) >= 0.05 for x in draws
    ]
    assert within(np.mean(found), stated, SIMULATIONS)
    assert stated < 0.96  # however small the deviation: five of a hundred look too small to matter
    assert power.of_difference(1, 0.01, 0.006) == 0.0


def test_the_stated_power_of_equivalence_is_the_power() -> None:
    stated = power.of_equivalence(4, 4, 0.01, 0.004)
    values = stream(9, "frameworks").normal(0, 0.004 / math.sqrt(2), (400, 4, 4))
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    found = np.mean(
        [
            all(inference.p_equivalent(x[:, a] - x[:, b], 0.01) < 0.05 for a, b in pairs)
            for x in values
        ]
    )
    assert within(found, stated, 400)
    assert power.of_equivalence(4, 1, 0.01, 0.004) == 0.0
