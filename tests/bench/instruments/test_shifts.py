"""Moved images are where they should be, and a change is measured relative to what was there."""

import math

import numpy as np
import pytest

from bench.instruments import shifts


def test_a_pixel_moves_down_and_right_and_background_comes_in() -> None:
    x = np.zeros((1, 4, 5, 1))
    x[0, 1, 2, 0] = 7.0
    y = shifts.moved(x, 2, -1, background=-1.0)
    assert y[0, 3, 1, 0] == 7.0
    assert (y[0, :2] == -1.0).all()
    assert (y[0, :, -1] == -1.0).all()
    assert y[0, 2:, :4].sum() == 7.0


@pytest.mark.parametrize("pixels", [1, 2, 4])
def test_there_and_back_gives_the_image_within_its_margin(pixels: int) -> None:
    x = np.zeros((2, 12, 12, 1))
    x[:, 4:8, 4:8] = np.random.default_rng(0).normal(size=(2, 4, 4, 1))
    ways = list(shifts.four_ways(x, pixels, 0.0))
    assert len(ways) == 4
    for (down, right), y in zip(shifts.DIRECTIONS, ways, strict=True):
        assert not np.array_equal(y, x)
        back = shifts.moved(y, -pixels * down, -pixels * right, 0.0)
        np.testing.assert_array_equal(back, x)


def test_further_than_the_image_is_all_background_and_no_shift_is_one_image() -> None:
    x = np.ones((1, 3, 3, 2))
    assert (shifts.moved(x, 5, 0, 0.5) == 0.5).all()
    (same,) = shifts.four_ways(x, 0, 0.0)
    np.testing.assert_array_equal(same, x)


def test_relative_change() -> None:
    before = np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]])
    after = np.array([[3.0, 4.0], [2.0, 0.0], [1.0, 1.0]])
    assert shifts.relative_change(before, after) == pytest.approx((0 + math.sqrt(2)) / 2)
    assert math.isnan(shifts.relative_change(np.zeros((2, 3)), np.ones((2, 3))))


def test_a_feature_map_that_moves_along_changes_and_its_sum_does_not() -> None:
    """Equivariance is no invariance: only what forgets the place does not change."""
    x = np.zeros((1, 10, 10, 1))
    x[:, 3:6, 3:6] = np.arange(9.0).reshape(1, 3, 3, 1)
    for y in shifts.four_ways(x, 2, 0.0):
        assert shifts.relative_change(x, y) > 1
        assert shifts.relative_change(x.sum(axis=(1, 2)), y.sum(axis=(1, 2))) == 0
