"""Weights and masks drawn by a framework's own generator: their distribution, and what is refused.

pytest tests/implementations/suite_draws.py --framework pytorch. Collected by
test_techniques.py, one process a framework.
"""

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench import initializers
from bench.errors import UserError


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_masks_by_distribution(technique, keep: float) -> None:
    dropout = technique("dropout")
    mask = dropout.draw((400, 500), keep, seed=0)
    assert isinstance(mask, np.ndarray)
    assert mask.shape == (400, 500)
    assert set(np.unique(mask)) == {0, 1}
    low, high = stats.binom.interval(0.9999, mask.size, keep)
    assert low <= mask.sum() <= high
    # Units of one example are no more alike than those of another.
    low, high = stats.binom.interval(0.9999, mask.size // 2, keep**2 + (1 - keep) ** 2)
    assert low <= (mask[:, ::2] == mask[:, 1::2]).sum() <= high
    np.testing.assert_array_equal(dropout.draw((400, 500), keep, seed=0), mask)
    assert (dropout.draw((400, 500), keep, seed=1) != mask).mean() > keep * (1 - keep)
    assert (dropout.draw((30,), 1.0, seed=0) == 1).all()


SHAPES = {"dense": (400, 600), "convolution": (5, 5, 80, 120), "recurrent": (200, 4, 300)}


def law(kind: str, variance: float) -> Any:
    if kind == "normal":
        return stats.norm(0, variance**0.5)
    limit = (3 * variance) ** 0.5
    return stats.uniform(-limit, 2 * limit)


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("initializer", initializers.NAMES)
def test_initializers_by_distribution(technique, initializer: str, layout: str) -> None:
    draw, shape = technique("initializers").draw, SHAPES[layout]
    weight = draw(initializer, shape, layout, seed=0)
    assert weight.shape == shape
    assert weight.size >= 200_000
    variance = initializers.variance(initializer, shape, layout)  # type: ignore[arg-type]
    kind = initializer.rpartition("_")[2]
    excess = 2 if kind == "normal" else 0.8  # of x^2 / Var, whose mean is 1: its variance
    error = (excess / weight.size) ** 0.5
    values = weight.astype(np.float64).ravel()
    # Of 36 comparisons one in eleven lies beyond 3 standard errors by chance.
    assert abs((values**2).mean() / variance - 1) < 4 * error
    assert abs(values.mean()) < 4 * (variance / weight.size) ** 0.5
    assert stats.kstest(values, law(kind, variance).cdf).pvalue > 1e-3


def test_a_truncated_normal_is_noticed() -> None:
    """As Keras and flax draw it: cut at two deviations, and widened to the variance asked for."""
    values = stats.truncnorm(-2, 2).rvs(200_000, random_state=0) / stats.truncnorm(-2, 2).std()
    assert abs((values**2).mean() - 1) < 4 * (2 / values.size) ** 0.5
    assert stats.kstest(values, law("normal", 1.0).cdf).pvalue < 1e-6


@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform", "constant_small_normal"])
def test_a_seed_names_its_draws(technique, initializer: str) -> None:
    draw = technique("initializers").draw
    weight = draw(initializer, (50, 4, 60), "recurrent", seed=0)
    np.testing.assert_array_equal(draw(initializer, (50, 4, 60), "recurrent", seed=0), weight)
    assert (draw(initializer, (50, 4, 60), "recurrent", seed=1) != weight).mean() > 0.99
    for gate in range(1, 4):  # no gate repeats another
        assert abs(np.corrcoef(weight[:, 0].ravel(), weight[:, gate].ravel())[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("shape", "layout", "axes"),
    [
        ((0, 4), "dense", 2),
        ((3, 4, 5), "dense", 2),
        ((3, 0, 4, 5), "convolution", 4),
        ((3, 4), "recurrent", 3),
    ],
)
def test_a_shape_without_fans_is_told_with_what_is_allowed(technique, shape, layout, axes) -> None:
    message = f"layout {layout} has {axes} axes of at least 1 each, got {re.escape(str(shape))}"
    with pytest.raises(UserError, match=message):
        technique("initializers").draw("he_normal", shape, layout, seed=0)


@pytest.mark.parametrize(
    ("file", "arguments", "message"),
    [
        ("dropout", ((3,), 0, 0), r"keep .*\(0, 1\].* 0"),
        ("dropout", ((3,), 1.5, 0), r"keep .*\(0, 1\].* 1.5"),
        ("initializers", ("he_norm", (2, 3), "dense", 0), "did you mean he_normal"),
        ("initializers", ("he_normal", (0, 3), "dense", 0), r"at least 1 .*\(0, 3\)"),
        ("initializers", ("he_normal", (2, 0), "dense", 0), r"at least 1 .*\(2, 0\)"),
        ("initializers", ("he_normal", (3, 3, 0, 2), "convolution", 0), r"at least 1 .*0, 2\)"),
        ("initializers", ("constant_small_normal", (0, 3), "dense", 0), r"at least 1 .*\(0, 3\)"),
    ],
)
def test_bad_input_is_refused(technique, file: str, arguments, message) -> None:
    """With the name and what is allowed."""
    with pytest.raises(UserError, match=message):
        technique(file).draw(*arguments)
