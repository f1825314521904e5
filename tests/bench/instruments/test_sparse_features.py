"""Rare features: frequencies by the stated law, labels by the stated model."""

import numpy as np
import pytest

from bench.instruments.sparse_features import draw, probabilities


def test_even_features_are_equally_frequent() -> None:
    np.testing.assert_allclose(probabilities(400, 0.0, 20), 0.05)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5, 3.0])
def test_examples_have_as_many_ones_on_average(exponent: float) -> None:
    p = probabilities(400, exponent, 20)
    assert p.sum() == pytest.approx(20)
    assert p.max() <= 0.5
    assert (np.diff(p) <= 0).all()


def test_frequencies_follow_the_power_law() -> None:
    p = probabilities(400, 1.5, 20)
    below = np.flatnonzero(p < 0.5)
    first, last = below[0], below[-1]
    assert p[last] / p[first] == pytest.approx(((last + 1) / (first + 1)) ** -1.5)


def test_too_many_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="active"):
        probabilities(10, 1.0, 6)


def test_draws_follow_the_frequencies_and_repeat() -> None:
    train, test = draw(0, 2000, 50, 1.0, 5)
    p = probabilities(50, 1.0, 5)
    error = np.sqrt(p * (1 - p) / 4000)
    found = np.concatenate([train.x, test.x]).mean(axis=0)
    assert (np.abs(found - p) < 5 * error).all()
    again, _ = draw(0, 2000, 50, 1.0, 5)
    np.testing.assert_array_equal(train.x, again.x)
    assert not np.array_equal(train.x, test.x)
    assert 0.3 < train.y.mean() < 0.7
