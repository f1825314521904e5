"""The statistics on simulated data, where the truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from bench import inference
from bench.randomness import stream

SIMULATIONS = 2000


def within(share: float, expected: float, trials: int) -> bool:
    """Whether a simulated share is compatible with its expectation: three standard errors."""
    return abs(share - expected) <= 3 * math.sqrt(expected * (1 - expected) / trials)


@pytest.mark.parametrize("n", [3, 5, 9])
def test_the_t_interval_covers_what_it_says(n: int) -> None:
    draws = stream(0, f"coverage {n}").normal(1.0, 2.0, (SIMULATIONS, n))
    found = [inference.interval(x) for x in draws]
    assert within(np.mean([i.low <= 1.0 <= i.high for i in found]), 0.95, SIMULATIONS)


def test_the_bootstrap_interval_covers_nearly_what_it_says() -> None:
    # BCa of ten values is known to cover a little less than its level; far less would be a defect.
    draws = stream(0, "coverage of the bootstrap").normal(1.0, 2.0, (200, 10))
    found = [inference.interval(x) for x in draws]
    assert np.mean([i.low <= 1.0 <= i.high for i in found]) > 0.86


def test_counting_a_shared_seed_four_times_would_lose_coverage() -> None:
    """The planted mistake: one shared seed in four frameworks beside two of each one's own."""
    draws = stream(0, "pseudo-replication")
    shared = draws.normal(0, 1, (SIMULATIONS, 1))
    own = draws.normal(0, 1, (SIMULATIONS, 8))
    right = np.concatenate([shared, own], axis=1)
    wrong = np.concatenate([np.repeat(shared, 4, axis=1), own], axis=1)
    half = [
        stats.t.ppf(0.975, x.shape[1] - 1) * x.std(axis=1, ddof=1) / math.sqrt(x.shape[1])
        for x in (right, wrong)
    ]
    covered = [
        (np.abs(x.mean(axis=1)) <= h).mean() for x, h in zip((right, wrong), half, strict=True)
    ]
    assert within(covered[0], 0.95, SIMULATIONS)
    assert covered[1] < 0.90


def test_intervals_of_degenerate_samples() -> None:
    assert inference.interval([0.5]).low == -math.inf
    assert inference.interval([0.5, 0.5, 0.5]) == inference.Interval(0.5, 0.5, 0.5)
    assert inference.p_greater([0.5], 0.0) == 1.0
    assert inference.p_greater([0.5, 0.5], 0.0) == 0.0


def test_intervals_repeat() -> None:
    x = stream(1, "repeat").normal(size=12)
    assert inference.interval(x) == inference.interval(x)


def test_one_sided_p_is_that_of_scipy() -> None:
    x = stream(2, "t test").normal(0.3, 1, 6)
    expected = stats.ttest_1samp(x, 0.1, alternative="greater").pvalue
    assert inference.p_greater(x, 0.1) == pytest.approx(expected)
    assert inference.p_less(x, 0.1) == pytest.approx(1 - expected)
    assert inference.p_two_sided(x) == pytest.approx(stats.ttest_1samp(x, 0).pvalue)


def test_equivalence_errs_in_at_most_five_of_a_hundred() -> None:
    """The true difference lies exactly on the margin: calling it equivalent is the error."""
    draws = stream(0, "equivalence at the margin").normal(0.01, 0.004, (SIMULATIONS, 5))
    passed = np.mean([inference.p_equivalent(x, 0.01) < 0.05 for x in draws])
    assert passed <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / SIMULATIONS)
    inside = stream(0, "equivalence inside").normal(0.0, 0.004, (200, 5))
    assert np.mean([inference.p_equivalent(x, 0.01) < 0.05 for x in inside]) > 0.9


def test_holm_by_hand() -> None:
    # Sorted: .01 x 4, .02 x 3, .03 x 2, .04 x 1, made monotone.
    assert inference.holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert inference.holm([]) == []


def test_cochran_q_by_hand_and_under_the_null() -> None:
    groups = [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]]
    # Standard errors 1/sqrt(3), weights 3, means 2 and 3, pooled 2.5: Q = 3/4 + 3/4.
    assert inference.cochran_q(groups) == pytest.approx(stats.chi2.sf(1.5, 1))
    assert inference.cochran_q([[1.0, 1.0], [2.0, 3.0]]) is None
    draws = stream(0, "cochran").normal(0, 1, (400, 2, 30))
    below = np.mean([(inference.cochran_q(x) or 0) < 0.05 for x in draws])
    assert below < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400) + 0.02  # few degrees of freedom


def test_superiority_counts_ties_as_halves() -> None:
    assert inference.superiority([1, -1, 0, 2]) == pytest.approx(0.625)


@pytest.mark.parametrize("n", [4, 8])
def test_the_detectable_effect_is_detected_as_often_as_stated(n: int) -> None:
    effect = inference.detectable(n, 1.0)
    assert effect is not None
    draws = stream(0, f"detectable {n}").normal(effect, 1.0, (SIMULATIONS, n))
    found = np.mean([inference.interval(x).low > 0 for x in draws])
    assert within(found, inference.WANTED_POWER, SIMULATIONS)
    assert inference.detectable(1, 1.0) is None


def test_the_stated_power_is_the_power() -> None:
    stated = inference.power_of_level(6, 0.01, 0.006)
    draws = stream(9, "another stream").normal(0.01, 0.006, (SIMULATIONS, 6))
    found = np.mean([inference.interval(x).low >= 0 for x in draws])
    assert within(found, stated, SIMULATIONS)
    assert inference.power_of_level(1, 0.01, 0.006) == 0.0


def test_the_stated_power_of_equivalence_is_the_power() -> None:
    stated = inference.power_of_equivalence(4, 4, 0.01, 0.004)
    values = stream(9, "frameworks").normal(0, 0.004 / math.sqrt(2), (400, 4, 4))
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    found = np.mean(
        [
            all(inference.p_equivalent(x[:, a] - x[:, b], 0.01) < 0.05 for a, b in pairs)
            for x in values
        ]
    )
    assert within(found, stated, 400)
    assert inference.power_of_equivalence(4, 1, 0.01, 0.004) == 0.0
