"""The noise of gradients that are known: moments, a formula by hand, the law 1/B, slopes."""

import math

import numpy as np
import pytest

from bench import weights
from bench.contract import Config, System, Update
from bench.instruments import gradient_noise
from bench.optimizers import sgd
from bench.specs import mlp
from implementations.numpy import adapter

DRAWS = np.random.default_rng(5)


def linear() -> tuple[System, np.ndarray, np.ndarray]:
    """A linear classifier in float64 with a population of 30."""
    spec = mlp.spec((3, 2, 1), (), classes=4)
    updates = {"ask": Update("cross_entropy", ("",), sgd())}
    system = adapter.build(spec, updates, Config(dtype="float64"))
    system.load(weights.initial(spec, 0))
    return system, DRAWS.normal(size=(30, 3, 2, 1)), DRAWS.integers(0, 4, 30)


def test_moments_are_those_of_numpy() -> None:
    vectors = DRAWS.normal(100.0, 1.0, (50, 7))
    moments = gradient_noise.Moments()
    for vector in vectors:
        moments.add({"a": vector[:3], "b": vector[3:].reshape(2, 2)})
    assert moments.variance() == pytest.approx(vectors.var(axis=0).sum(), rel=1e-12)
    assert moments.variance(lost=1) == pytest.approx(vectors.var(axis=0, ddof=1).sum(), rel=1e-12)
    assert moments.size() == pytest.approx((vectors.mean(axis=0) ** 2).sum(), rel=1e-12)


def test_one_vector_has_no_variance_estimate() -> None:
    moments = gradient_noise.Moments()
    moments.add({"a": np.ones(3)})
    assert moments.variance() == 0.0
    assert math.isnan(moments.variance(lost=1))


def test_the_exact_variance_is_that_of_the_softmax_formula() -> None:
    """A linear classifier's gradient by hand: x (p - onehot(y)), and p - onehot(y) for the bias."""
    system, x, y = linear()
    found = gradient_noise.of_examples(system, "ask", x, y)
    state = system.export().parameters
    flat = x.reshape(len(x), -1)
    scores = flat @ state["fc1/weight"] + state["fc1/bias"]
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    delta = p - np.eye(4)[y]
    by_hand = np.concatenate(
        [np.einsum("ni,nk->nik", flat, delta).reshape(len(x), -1), delta], axis=1
    )
    assert found.variance() == pytest.approx(by_hand.var(axis=0).sum(), rel=1e-10)
    assert found.size() == pytest.approx((by_hand.mean(axis=0) ** 2).sum(), rel=1e-10)


def test_drawn_batches_have_the_variance_that_the_law_says() -> None:
    system, x, y = linear()
    exact = gradient_noise.of_examples(system, "ask", x, y).variance()
    for size in (1, 4, 16):
        drawn = gradient_noise.of_batches(system, "ask", x, y, size, draws=600, seed=1)
        assert drawn.variance(lost=1) * size == pytest.approx(exact, rel=0.15)


def test_slopes() -> None:
    sizes = (1, 4, 16, 64)
    assert gradient_noise.slope({b: 3.0 / b for b in sizes}) == pytest.approx(-1.0)
    assert gradient_noise.slope({b: 3.0 / math.sqrt(b) for b in sizes}) == pytest.approx(-0.5)
    assert math.isnan(gradient_noise.slope({1: 1.0, 4: 0.0}))
    assert math.isnan(gradient_noise.slope({1: 1.0, 4: math.nan}))
