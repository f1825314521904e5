"""The drawn curve crosses a target where the counted steps say it does."""

import math

import numpy as np

from bench.instruments.curves import smoothed
from bench.training import Fit


def test_means_of_the_last_losses() -> None:
    assert smoothed([1.0, 2.0, 3.0, 4.0], window=2) == [(2, 1.5), (3, 2.5), (4, 3.5)]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    curve = smoothed(list(np.linspace(2, 0, 1000)), points=50)
    assert len(curve) == 50
    assert (curve[0][0], curve[-1][0]) == (10, 1000)


def test_a_curve_ends_where_the_run_diverged() -> None:
    curve = smoothed([1.0] * 12 + [math.inf, math.nan])
    assert [step for step, _ in curve] == [10, 11, 12]
    assert smoothed([1.0, math.nan]) == []


def test_the_curve_crosses_where_the_count_says() -> None:
    losses = [2.0 - 0.01 * step for step in range(150)]
    reached = Fit(losses).steps_to(1.0).steps
    assert min(step for step, loss in smoothed(losses) if loss <= 1.0) == reached
