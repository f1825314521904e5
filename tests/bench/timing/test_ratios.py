"""Ratios of times that were measured in turns, and when they are judged."""

import math

import numpy as np
import pytest

from bench.timing import ratios
from bench.timing.ratios import Ratio


def test_a_ratio_is_paired_by_round() -> None:
    """The machine was twice as slow in every second round: nothing of that is left."""
    baseline = [1.0, 2.0] * 4
    found = ratios.compared([0.8, 1.6] * 4, baseline)
    assert (found.ratio, found.low, found.high) == pytest.approx((0.8, 0.8, 0.8))


def test_one_disturbed_round_moves_nothing() -> None:
    baseline = [1.0] * 9
    times = [1.01, 0.99, 1.02, 1.0, 0.98, 1.01, 0.99, 1.0, 40.0]
    found = ratios.compared(times, baseline)
    assert found.ratio == pytest.approx(1.0)
    assert found.high < 1.03


def test_the_interval_is_that_of_the_order_statistics() -> None:
    """Of 12 rounds the third from either end: 1 - 2 P(Binomial(12, 1/2) <= 2) = 0.961."""
    times = np.exp(np.arange(12) / 100)
    found = ratios.compared(times, np.ones(12))
    assert np.log([found.ratio, found.low, found.high]) == pytest.approx([0.055, 0.02, 0.09])


def test_the_fewest_rounds_give_the_range_of_all() -> None:
    times = [1.0, 1.1, 1.2, 0.9, 0.8, 1.3]
    assert len(times) == ratios.ROUNDS
    found = ratios.compared(times, np.ones(ratios.ROUNDS))
    assert (found.low, found.high) == pytest.approx((0.8, 1.3))


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    draws = np.random.default_rng(7)
    times = np.exp(0.1 + 0.05 * draws.standard_t(2, (2000, 12)))
    inside = [
        found.low <= math.exp(0.1) <= found.high
        for found in (ratios.compared(row, np.ones(12)) for row in times)
    ]
    assert 0.94 < np.mean(inside) < 0.98


def test_what_is_within_the_floor_is_not_judged() -> None:
    assert ratios.floor(Ratio(1.0, 0.98, 1.01)) == pytest.approx(1 / 0.98 - 1)
    assert ratios.floor(Ratio(1.0, 0.99, 1.03)) == pytest.approx(0.03)
    assert Ratio(0.90, 0.88, 0.92).beyond(0.05)
    assert Ratio(1.10, 1.08, 1.12).beyond(0.05)
    assert not Ratio(0.96, 0.95, 0.97).beyond(0.05)  # nearer than two that are the same
    assert not Ratio(1.10, 0.99, 1.20).beyond(0.05)  # 1 is inside
